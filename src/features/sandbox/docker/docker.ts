import { randomUUID } from "node:crypto"
import type Dockerode from "dockerode"
import type { OutputChunk } from "../../../core/ports/tools/sandbox.ts"
import type { Backend, Exit, Running } from "../backend.ts"
import type { BackendOptions } from "../options.ts"
import { createLauncherInput } from "../processes/launcher.ts"
import type { StagedFolder } from "../staged-folders.ts"
import type { Workspace } from "../workspace/workspaces.ts"
import { directoryLabel, instanceLabel } from "./container.ts"
import { demultiplex } from "./demultiplex.ts"
import { connectEngine, isAnswer, isNotFound } from "./engine.ts"
import { createEngineLostError, startFailure } from "./engine-failures.ts"
import { freezeContainer, thawContainer } from "./freeze-container.ts"
import { removeContainer, startWarmContainer, type WarmContainer } from "./warm-container.ts"
import { createWarmPool } from "./warm-pool.ts"

export interface DockerOptions extends BackendOptions {
  /** The path of the engine's Unix socket. */
  readonly socket: string
  readonly image: string
  /** Maximum number of waiting containers, over all sessions. */
  readonly warmPool: number
  /** Maximum milliseconds without a response from the engine. Default 60 000. */
  readonly answerTimeoutMs?: number
}

/**
 * Opens the backend that runs containers through the Engine API. Throws a `ConfigurationError` with the reason if it
 * cannot be used here.
 */
export async function openDocker(options: DockerOptions): Promise<Backend> {
  const { socket, answerTimeoutMs, image, warmPool, limits, network, env, instance, pythonFolder, logger } =
    options
  const engine = await connectEngine(socket, answerTimeoutMs)
  const { docker, rootless } = engine
  /** Names of containers that this process has not removed or tried to remove. */
  const inUse = new Set<string>()
  const formatUser = ({ owner }: Workspace) => {
    if (rootless) return "0:0"
    return owner === null ? `${process.getuid?.()}:${process.getgid?.()}` : `${owner.uid}:${owner.gid}`
  }
  async function startContainer(
    workspace: Workspace,
    folders: readonly StagedFolder[],
  ): Promise<WarmContainer> {
    const name = `agent-gateway-${randomUUID()}`
    const { needsTcpLimit } = engine
    const setup = {
      image,
      limits,
      needsTcpLimit,
      network,
      env,
      pythonFolder,
      instance,
      user: formatUser(workspace),
      folders,
    }
    inUse.add(name)
    const forget = () => inUse.delete(name)
    try {
      const warmContainer = await startWarmContainer(engine, name, setup, workspace)
      return { ...warmContainer, remove: () => warmContainer.remove().finally(forget) }
    } catch (error) {
      forget()
      throw startFailure(error, image)
    }
  }
  const pool = createWarmPool({
    capacity: warmPool,
    logger,
    start: (workspace) => startContainer(workspace, []),
  })

  return {
    name: "docker",
    sandboxed: true,
    description: `image ${image}`,
    unheld: engine.unheld,
    tellsOutOfMemory: true,

    async start({ workspace, folders, expectMore, ...order }) {
      // A waiting container has no folders, and cannot get any.
      const isPlain = folders.length === 0
      const warmContainer = await (isPlain ? pool.take(workspace) : startContainer(workspace, folders))
      warmContainer.connection.end(createLauncherInput(order))
      return followContainer(docker, warmContainer, (used) => {
        pool.remove(used)
        if (expectMore && isPlain) pool.prepare(workspace)
      })
    },

    ping: engine.ping,
    warmSessions: () => pool.sessions(),

    async reap() {
      const containers = await docker.listContainers({
        all: true,
        filters: { label: [`${directoryLabel}=${instance.directoryId}`] },
      })
      for (const { Id, Labels, Names } of containers) {
        const owner = Labels[instanceLabel] ?? ""
        // A container of this instance that is not in use could not be removed earlier.
        const isUsed = owner !== instance.id || Names.some((name) => inUse.has(name.replace("/", "")))
        if (!isUsed || !instance.isLive(owner)) await removeContainer(docker.getContainer(Id))
      }
    },

    close: () => pool.close(),
  }
}

/** Returns the running containers. No code runs in a stopped container, so no caller has to wait for its removal. */
function followContainer(
  docker: Dockerode,
  warmContainer: WarmContainer,
  removeLater: (warmContainer: WarmContainer) => void,
): Running {
  const startedAt = Date.now()
  let stopped = false
  let ended: Promise<void> | null = null
  const exited = waitForExit(warmContainer).then(async (exit) => {
    stopped = true
    const isEndedByItself = exit.exitCode === 0 || exit.outOfMemory || ended !== null
    if (!isEndedByItself) await requireNotKilled(docker, warmContainer, startedAt)
    return exit
  })
  // A caller that ends the container does not need its exit.
  exited.catch(() => {})
  const end = async () => {
    if (stopped) return removeLater(warmContainer)
    await warmContainer.remove().catch((error) => {
      throw createEngineLostError(error)
    })
  }
  return {
    output: readOutput(warmContainer),
    exited,
    freeze: () => freezeContainer(warmContainer.container),
    thaw: () => thawContainer(warmContainer.container),
    end() {
      ended ??= end()
      return ended
    },
  }
}

/** Yields the output. Also ends if the connection breaks. The exit then reports the outcome of the code. */
async function* readOutput({ connection }: WarmContainer): AsyncGenerator<OutputChunk> {
  try {
    yield* demultiplex(connection)
  } catch (error) {
    if (!connection.destroyed) throw error
  }
}

async function waitForExit({ stopped, container }: WarmContainer): Promise<Exit> {
  const exitCode = await stopped.catch((error) => {
    throw createEngineLostError(error)
  })
  try {
    const { State } = await container.inspect()
    return { exitCode, outOfMemory: State.OOMKilled }
  } catch (error) {
    // The container was ended, and is already removed.
    if (isNotFound(error)) return { exitCode, outOfMemory: false }
    throw createEngineLostError(error)
  }
}

/**
 * Throws if the engine sent the container a signal, as it does with all containers when it shuts down. The code did
 * not end by itself, although its exit code looks like it.
 */
async function requireNotKilled(
  docker: Dockerode,
  { container }: WarmContainer,
  startedAt: number,
): Promise<void> {
  let signals = ""
  try {
    const events = await docker.getEvents({
      since: startedAt / 1000,
      until: Date.now() / 1000,
      filters: { container: [container.id], event: ["kill"] },
    })
    for await (const chunk of events) signals += chunk
  } catch (error) {
    // Engines that are compatible with Docker may not support events.
    if (isAnswer(error)) return
    throw createEngineLostError(error)
  }
  if (signals !== "")
    throw createEngineLostError(new Error(`The engine sent a signal to the container: ${signals}`))
}
