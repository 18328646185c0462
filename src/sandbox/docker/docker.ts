import { GatewayError } from "../../core/errors.ts"
import type { Backend, Running } from "../backend.ts"
import { launcherInput } from "../launcher.ts"
import type { BackendOptions } from "../options.ts"
import type { Workspace } from "../workspace/workspaces.ts"
import { directoryLabel, instanceLabel } from "./container.ts"
import { demultiplex } from "./demultiplex.ts"
import { connectEngine, describeEngineError, isNotFound } from "./engine.ts"
import { removeContainer, type Standby, startStandby } from "./standby.ts"
import { createStandbys } from "./standbys.ts"

export interface DockerOptions extends BackendOptions {
  /** The path of the engine's Unix socket. */
  readonly socket: string
  readonly image: string
  /** Containers kept waiting, over all sessions. */
  readonly warmPool: number
}

/** Containers, by the Engine API. Throws a `ConfigurationError` that says why it cannot be used here. */
export async function openDocker(options: DockerOptions): Promise<Backend> {
  const { socket, image, warmPool, limits, network, env, instance, logger } = options
  const { docker, rootless } = await connectEngine(socket)
  const userOf = ({ owner }: Workspace) => {
    if (rootless) return "0:0"
    return owner === null ? `${process.getuid?.()}:${process.getgid?.()}` : `${owner.uid}:${owner.gid}`
  }
  const standbys = createStandbys({
    capacity: warmPool,
    logger,
    async start(workspace) {
      const setup = { image, limits, network, env, instance, user: userOf(workspace) }
      try {
        return await startStandby(docker, setup, workspace)
      } catch (error) {
        throw startFailure(error, image)
      }
    },
  })

  return {
    name: "docker",
    sandboxed: true,
    description: `image ${image}`,
    tellsOutOfMemory: true,

    async start({ workspace, expectMore, ...order }) {
      const standby = await standbys.take(workspace)
      standby.connection.end(launcherInput(order))
      return runningIn(standby, (used) => {
        standbys.remove(used)
        if (expectMore) standbys.prepare(workspace)
      })
    },

    async reap() {
      const containers = await docker.listContainers({
        all: true,
        filters: { label: [`${directoryLabel}=${instance.directoryId}`] },
      })
      for (const { Id, Labels } of containers) {
        if (!instance.isLive(Labels[instanceLabel] ?? "")) await removeContainer(docker.getContainer(Id))
      }
    },

    close: () => standbys.close(),
  }
}

/** Nothing runs in a container that has stopped: then its removal is nobody's to wait for. */
function runningIn(standby: Standby, removeLater: (standby: Standby) => void): Running {
  let stopped = false
  const exited = exitOf(standby).then((exit) => {
    stopped = true
    return exit
  })
  // Whoever ends it does not ask how it ended.
  exited.catch(() => {})
  let ended: Promise<void> | null = null
  const end = async () => (stopped ? removeLater(standby) : standby.remove())
  return {
    output: demultiplex(standby.connection),
    exited,
    end() {
      ended ??= end()
      return ended
    },
  }
}

async function exitOf({ stopped, container }: Standby) {
  const exitCode = await stopped
  try {
    const { State } = await container.inspect()
    return { exitCode, outOfMemory: State.OOMKilled }
  } catch (error) {
    // It was ended, and is removed already.
    if (isNotFound(error)) return { exitCode, outOfMemory: false }
    throw error
  }
}

function startFailure(error: unknown, image: string): GatewayError {
  const problem = isNotFound(error)
    ? `Docker has no image ${image}: run agent-gateway sandbox build, or set codeExecution.image.`
    : "Docker could not start a container."
  return new GatewayError({ code: "sandbox_unavailable", status: 503, retryable: true }, problem, {
    detail: describeEngineError(error),
    cause: error,
  })
}
