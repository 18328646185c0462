import type { Duplex } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import type Dockerode from "dockerode"
import type { ContainerCreateOptions } from "dockerode"
import { megabyte } from "../limits.ts"
import type { Workspace } from "../workspace/workspaces.ts"
import { type ContainerSetup, createContainerOptions } from "./container.ts"
import { type Engine, isConflict, isNotFound } from "./engine.ts"
import { limitTcpBuffers } from "./tcp-buffers.ts"

const attachTimeoutMs = 60_000
const lookMs = 500

/** A started container that waits for its code. It is used for one execution. */
export interface WarmContainer {
  readonly container: Dockerode.Container
  /** The connection to write the code to and to read both output streams from. */
  readonly connection: Duplex
  /** Resolves to the exit code when the container has stopped, for any reason. Rejects if the engine is lost. */
  readonly stopped: Promise<number>
  /** Kills and removes the container. Resolves when it is gone. May be called again. */
  remove(): Promise<void>
}

export async function startWarmContainer(
  { docker, patient }: Engine,
  name: string,
  setup: ContainerSetup,
  workspace: Workspace,
): Promise<WarmContainer> {
  const container = await docker.createContainer(moveIntoBody(name, createContainerOptions(setup, workspace)))
  try {
    const connection = await attach(patient.getContainer(container.id))
    await container.start()
    if (setup.needsTcpLimit) await limitTcpBuffers(container, setup.limits.memoryMb * megabyte)
    const stopped = waitForExitCode(container, patient.getContainer(container.id), connection)
    // A caller that removes an unused container does not wait for its end.
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

/**
 * Moves the options into the body. By default dockerode repeats them in the URL, where proxies truncate it or log the
 * environment.
 */
function moveIntoBody(name: string, options: ContainerCreateOptions): ContainerCreateOptions {
  const request: ContainerCreateOptions & Readonly<Record<"_query" | "_body", object>> = {
    _query: { name },
    _body: options,
  }
  return request
}

async function attach(container: Dockerode.Container): Promise<Duplex> {
  const streams = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true } as const
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), attachTimeoutMs)
  try {
    const connection = (await container.attach({ ...streams, abortSignal: stop.signal })) as Duplex
    // The connection breaks when the container is removed.
    connection.on("error", () => {})
    return connection
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Returns the exit code. If an engine dies during a request to wait, it never responds, and dockerode does not report
 * it. Therefore, after the connection is closed, which the code can also do, the state is polled.
 */
function waitForExitCode(
  container: Dockerode.Container,
  waiting: Dockerode.Container,
  connection: Duplex,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let settled = false
  waiting
    .wait()
    .then(({ StatusCode }: { StatusCode: number }) => resolve(StatusCode), reject)
    .finally(() => {
      settled = true
    })
  const look = async () => {
    while (!settled) {
      await delay(lookMs, undefined, { ref: false })
      if (settled) return
      const { State } = await container.inspect()
      if (!State.Running) return resolve(State.ExitCode)
    }
  }
  connection.once("close", () => look().catch(reject))
  return promise
}

/** Removes the container. Does nothing if it is gone, or if another caller is removing it. */
export async function removeContainer(container: Dockerode.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
