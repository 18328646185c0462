import type Dockerode from "dockerode"
import { ConfigurationError, toError } from "../../core/errors.ts"
import type { UnheldLimit } from "../backend.ts"
import { unheldSwap } from "../cgroups/unheld.ts"

/**
 * Milliseconds to wait for a ping: short enough for an engine that is stuck, and long enough for a busy machine.
 */
const pingTimeoutMs = 10_000
/** A health check is asked by somebody who waits for it. */
const healthTimeoutMs = 1_000
/**
 * Milliseconds of silence that are allowed. Under load the engine may take many seconds to make or to remove a
 * container.
 */
const defaultAnswerTimeoutMs = 60_000

export interface Engine {
  /** Its calls fail when the engine does not answer. */
  readonly docker: Dockerode
  /** For calls that may be silent for as long as they last. */
  readonly patient: Dockerode
  /** Rejects if the engine does not answer at once. */
  ping(): Promise<unknown>
  /** Runs without root on the host: there the container's root is the gateway's own user. */
  readonly rootless: boolean
  /** If true, it leaves buffers of TCP connections out of the limit of memory: version 1 of control groups. */
  readonly needsTcpLimit: boolean
  /** Limits that it does not keep. */
  readonly unheld: readonly UnheldLimit[]
}

/**
 * The engine at `socket`, the path of its Unix socket. Throws a `ConfigurationError` that says why there is none.
 * The working directories are folders of this machine, so an engine on another one is of no use.
 */
export async function connectEngine(
  socket: string,
  answerTimeoutMs = defaultAnswerTimeoutMs,
): Promise<Engine> {
  const Docker = await loadDockerode()
  // By itself dockerode prefers what `DOCKER_HOST` and its like say, whatever socket it is given.
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
      unheld: await unheldByEngine(info),
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

/** An engine ignores limits that its control groups do not have, as a rootless one without delegated groups. */
async function unheldByEngine(info: EngineInfo): Promise<readonly UnheldLimit[]> {
  const { MemoryLimit = true, SwapLimit = true, PidsLimit = true, CpuCfsQuota = true } = info
  const limits = { memory: MemoryLimit, processes: PidsLimit, "processor time": CpuCfsQuota } as const
  const names = (Object.keys(limits) as (keyof typeof limits)[]).filter((limit) => !limits[limit])
  const ignored = names.map((limit) => ({ limit, reason: "the Docker engine has no control groups for it" }))
  return MemoryLimit ? [...ignored, ...(await unheldSwap(SwapLimit))] : ignored
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

/** The engine's own words, without the status line that dockerode puts before them. */
export function describeEngineError(thrown: unknown): string {
  const error = toError(thrown)
  const body: unknown = "json" in error ? error.json : undefined
  if (typeof body === "object" && body !== null && "message" in body) return String(body.message)
  return error.message
}

/** Returns true if the engine gave this error, and so is there. */
export function isAnswer(error: unknown): boolean {
  return statusOf(error) !== undefined
}

export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404
}

/** Returns true for the error of a container that is being removed already. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 409
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && "statusCode" in error ? error.statusCode : undefined
}
