import type { Duplex } from "node:stream"
import type Dockerode from "dockerode"
import type { Workspace } from "../workspace/workspaces.ts"
import { type ContainerSetup, containerOptions } from "./container.ts"
import { isConflict, isNotFound } from "./engine.ts"

/** A started container that waits for its code. Good for one execution. */
export interface Standby {
  readonly container: Dockerode.Container
  /** To write the code to, and to read the output of both streams from. */
  readonly connection: Duplex
  /** Resolves with the exit code once it has stopped, however that came. */
  readonly stopped: Promise<number>
  /** Kills and removes it. Resolves when it is gone; may be called again. */
  remove(): Promise<void>
}

export async function startStandby(
  docker: Dockerode,
  setup: ContainerSetup,
  workspace: Workspace,
): Promise<Standby> {
  const container = await docker.createContainer(containerOptions(setup, workspace))
  try {
    const connection = (await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })) as Duplex
    // It breaks off when the container is removed.
    connection.on("error", () => {})
    await container.start()
    const stopped = container.wait().then(({ StatusCode }: { StatusCode: number }) => StatusCode)
    // Whoever removes a container that nobody has used does not wait for its end.
    stopped.catch(() => {})
    let removed: Promise<void> | null = null
    return {
      container,
      connection,
      stopped,
      remove() {
        removed ??= removeContainer(container).finally(() => connection.destroy())
        return removed
      },
    }
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

/** Also if it is gone, or somebody else is removing it. */
export async function removeContainer(container: Dockerode.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
