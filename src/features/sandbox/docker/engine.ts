import type Dockerode from "dockerode"
import { ConfigurationError, toError } from "../../../core/errors.ts"
import type { UnheldLimit } from "../backend.ts"
import { findUnenforcedSwap } from "../cgroups/unenforced-limits.ts"

/** Maximum milliseconds of a ping: short enough for a blocked engine, and long enough for a busy machine. */
const pingTimeoutMs = 10_000
/** Maximum milliseconds of a health check, for which a client waits. */
const healthTimeoutMs = 1_000
/**
 * Maximum milliseconds without a response. Under load the engine may take many seconds to create or to remove a
 * container.
 */
const defaultAnswerTimeoutMs = 60_000

export interface Engine {
  /** A client whose calls fail if the engine does not respond. */
  readonly docker: Dockerode
  /** A client for calls without a time limit. */
  readonly patient: Dockerode
  /** Rejects if the engine does not respond at once. */
  ping(): Promise<unknown>
  /** If true, the engine runs without root on the host. The container's root is then the gateway's own user. */
  readonly rootless: boolean
  /** If true, the memory limit does not include buffers of TCP connections, as with version 1 of control groups. */
  readonly needsTcpLimit: boolean
  /** Limits that the engine does not enforce. */
  readonly unheld: readonly UnheldLimit[]
}

/**
 * Connects to the engine at `socket`, the path of its Unix socket. Throws a `ConfigurationError` with the reason if
 * there is none. The working directories are folders of this machine, so an engine on another machine cannot be used.
 */
export async function connectEngine(
  socket: string,
  answerTimeoutMs = defaultAnswerTimeoutMs,
): Promise<Engine> {
  const Docker = await loadDockerode()
  // Otherwise dockerode would prefer `DOCKER_HOST` and similar variables to the given socket.
  const connect = (timeout: number) => new Docker({ socketPath: socket, host: "", protocol: "http", timeout })
  const docker = connect(answerTimeoutMs)
  try {
    await connect(pingTimeoutMs).ping()
    const info: EngineInfo = await docker.info()
    if (info.OSType !== undefined && info.OSType !== "linux") {
      throw new ConfigurationError(
        `the Docker engine runs ${info.OSType} containers. Linux containers are required.`,
      )
    }
    return {
      docker,
      patient: connect(0),
      ping: () => connect(healthTimeoutMs).ping(),
      rootless: info.SecurityOptions?.includes("name=rootless") ?? false,
      needsTcpLimit: info.CgroupVersion === "1",
      unheld: await findUnheldLimits(info),
    }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError("no Docker engine responds", {
      detail: `${socket}: ${describeEngineError(error)}`,
      cause: error,
    })
  }
}

/** https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System/operation/SystemInfo */
interface EngineInfo {
  readonly SecurityOptions?: readonly string[]
  readonly OSType?: string
  readonly MemoryLimit?: boolean
  readonly SwapLimit?: boolean
  readonly PidsLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly CgroupVersion?: string
}

/**
 * Returns the limits that the engine ignores because its control groups do not support them, such as a rootless
 * engine without delegated groups.
 */
async function findUnheldLimits(info: EngineInfo): Promise<readonly UnheldLimit[]> {
  const { MemoryLimit = true, SwapLimit = true, PidsLimit = true, CpuCfsQuota = true } = info
  const limits = { memory: MemoryLimit, processes: PidsLimit, "processor time": CpuCfsQuota } as const
  const names = (Object.keys(limits) as (keyof typeof limits)[]).filter((limit) => !limits[limit])
  const ignored = names.map((limit) => ({ limit, reason: "the Docker engine has no control groups for it" }))
  return MemoryLimit ? [...ignored, ...(await findUnenforcedSwap(SwapLimit))] : ignored
}

async function loadDockerode(): Promise<typeof Dockerode> {
  try {
    return (await import("dockerode")).default
  } catch (error) {
    throw new ConfigurationError("the package dockerode is not installed: npm install dockerode", {
      cause: error,
    })
  }
}

/** Returns the engine's own message, without the status line that dockerode puts before it. */
export function describeEngineError(thrown: unknown): string {
  const error = toError(thrown)
  const body: unknown = "json" in error ? error.json : undefined
  if (typeof body === "object" && body !== null && "message" in body) return String(body.message)
  return error.message
}

/** Returns true if the engine returned this error, and is therefore running. */
export function isAnswer(error: unknown): boolean {
  return readStatus(error) !== undefined
}

export function isNotFound(error: unknown): boolean {
  return readStatus(error) === 404
}

/** Returns true for the error of a container that is already being removed. */
export function isConflict(error: unknown): boolean {
  return readStatus(error) === 409
}

function readStatus(error: unknown): unknown {
  return error instanceof Error && "statusCode" in error ? error.statusCode : undefined
}
