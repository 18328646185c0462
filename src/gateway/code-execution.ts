import { createHash } from "node:crypto"
import { resolve } from "node:path"
import type { Clock } from "../core/clock.ts"
import { ConfigurationError, toError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { OpenedFile } from "../core/ports/sandbox.ts"
import type { Tool } from "../core/ports/tool.ts"
import { type SandboxConfig, withDefaults } from "../sandbox/config.ts"
import { type OpenedSandboxes, openSandboxes } from "../sandbox/open-sandboxes.ts"
import { describeUnheld } from "../sandbox/try-out.ts"
import { makeIgnoredDirectory } from "../stores/sqlite/make-directory.ts"
import { type CodeToolsOptions, createCodeExecution } from "../tools/code-execution/code-execution.ts"
import type { StoreChoice } from "./open-store.ts"

/**
 * Options of `codeExecution`, as an alternative to `true`. All are optional; limits are for each execution. Every one
 * is optional; limits are for each execution.
 */
export interface CodeExecutionConfig extends SandboxConfig {
  /** Time limit of code that does not ask for another one, in milliseconds. Default 30 000. */
  readonly defaultTimeoutMs?: number
  /** Kept of each of the two streams: its beginning and its end. Default 100 000. */
  readonly maxOutputBytes?: number
  /** Background tasks of one session at once. Default 3. */
  readonly maxBackground?: number
}

/** A gateway's code execution, opened and closed with it. */
export interface CodeExecutionService {
  tools(options: CodeToolsOptions): readonly Tool[]
  /** A file of a session's working directory; null if there is none. */
  openFile(sessionId: string, path: string): Promise<OpenedFile | null>
  /** For GET /ready: whether the backend in use works, and why better ones are not used. Safe to show to anyone. */
  check(): Promise<{ readonly ok: boolean; readonly detail: string }>
  close(): Promise<void>
}

export interface CodeExecutionSurroundings {
  readonly store: StoreChoice["store"]
  /** The value of `DOCKER_HOST`. */
  readonly dockerSocket: string | undefined
  /** Working directories of other sessions are removed. */
  readonly isKept: (sessionId: string) => Promise<boolean>
  readonly clock: Clock
  readonly logger: Logger
}

const reapIntervalMs = 60_000

/** Rejects with a `ConfigurationError` when nothing that is allowed works here. */
export async function openCodeExecution(
  option: boolean | CodeExecutionConfig,
  { store, dockerSocket, isKept, clock, logger }: CodeExecutionSurroundings,
): Promise<CodeExecutionService | null> {
  if (option === false) return null
  const {
    defaultTimeoutMs = 30_000,
    maxOutputBytes = 100_000,
    maxBackground = 3,
    ...chosen
  } = option === true ? {} : option
  const config = withDefaults(chosen, dockerSocket)
  const directory = chosen.directory ?? directoryBeside(store)
  makeUsable(directory)
  const sandboxes = await openSandboxes({
    config,
    directory,
    ephemeral: store === "memory",
    logger,
  })
  logFindings(sandboxes, config.network, logger)
  const { maxTimeoutMs } = config
  const limits = { defaultTimeoutMs: Math.min(defaultTimeoutMs, maxTimeoutMs), maxTimeoutMs }
  const code = createCodeExecution({ sandboxes, ...limits, maxOutputBytes, maxBackground, clock, logger })
  const stopReaping = reapOnSchedule(
    [() => code.forget(isKept), (signal) => sandboxes.reap(isKept, signal)],
    logger,
  )
  return {
    tools: code.tools,
    check: createReadinessCheck(sandboxes, logger),
    openFile: async (sessionId, path) => (await sandboxes.find(sessionId))?.readFile(path) ?? null,
    async close() {
      await stopReaping()
      await code.close()
      await sandboxes.close()
    },
  }
}

function logFindings({ findings, hosts }: OpenedSandboxes, network: string, logger: Logger): void {
  const [inUse] = hosts
  const details = findings.map(({ backend, usable, reason, detail, unheld }) => {
    return { backend, usable, reason, detail, ...(unheld.length > 0 && { unheld: describeUnheld(unheld) }) }
  })
  const fields = { backend: inUse?.name, backends: details }
  if (inUse?.sandboxed === true) logger.info(fields, "code runs in a sandbox")
  else logger.warn(fields, "code runs in no sandbox, so a person must allow each call")
  if (network !== "none")
    logger.warn({ network }, "code has a network, because codeExecution.network says so")
}

function createReadinessCheck(sandboxes: OpenedSandboxes, logger: Logger): CodeExecutionService["check"] {
  const summary = summaryOf(sandboxes)
  let worked = true
  return async () => {
    const outcome = await sandboxes.check()
    const changed = outcome.works !== worked
    worked = outcome.works
    if (outcome.works) {
      if (changed) logger.info({}, "The backend of code execution answers again.")
      return { ok: true, detail: summary }
    }
    const { reason, detail } = outcome
    if (changed)
      logger.warn({ reason, detail }, "Code execution does not work. Calls fail until the backend is back.")
    return { ok: false, detail: `${reason}, so code does not run until it is back; ${summary}` }
  }
}

/** Measured with Linux 6.18: locks of 67 MB, at a limit of 64 MB for all memory. UDP buffers do count. */
const uncountedMemory = "the limit of memory leaves out file locks"

function summaryOf({ findings, hosts }: OpenedSandboxes): string {
  const [inUse] = hosts
  const better = findings.slice(
    0,
    findings.findIndex(({ backend }) => backend === inUse?.name),
  )
  const unheld = findings.find(({ backend }) => backend === inUse?.name)?.unheld ?? []
  const inUseWith = unheld.length === 0 ? inUse?.name : `${inUse?.name}, which ${describeUnheld(unheld)}`
  return [
    inUseWith,
    ...(unheld.some(({ limit }) => limit === "memory") ? [] : [uncountedMemory]),
    ...better.map(({ backend, usable, reason, unheld }) => {
      return `not ${backend}: ${usable ? describeUnheld(unheld) : reason}`
    }),
  ].join("; ")
}

function reapOnSchedule(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  logger: Logger,
): () => Promise<void> {
  let reaping: Promise<void> | null = null
  const stop = new AbortController()
  const reap = async () => {
    for (const task of tasks) {
      await task(stop.signal).catch((error: unknown) => {
        if (stop.signal.aborted) return
        logger.warn(
          { error: toError(error) },
          "Clearing away old sandboxes failed. The gateway tries again in a minute.",
        )
      })
    }
    reaping = null
  }
  const timer = setInterval(() => {
    reaping ??= reap()
  }, reapIntervalMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    stop.abort(new Error("The gateway is closing."))
    // It asks the store, which is closed next.
    await reaping
  }
}

function makeUsable(directory: string): void {
  try {
    makeIgnoredDirectory(resolve(directory))
  } catch (cause) {
    const { message } = toError(cause)
    throw new ConfigurationError(`codeExecution: the directory ${directory} cannot be used: ${message}.`, {
      cause,
    })
  }
}

/**
 * A store's sessions and nobody else's. Not inside the data directory, which is closed to the users that code runs
 * as.
 */
function directoryBeside(store: StoreChoice["store"]): string {
  const name = ".agent-gateway-sandbox"
  if (store === undefined || store === "memory") return name
  if (typeof store === "object") return `${name}-own-store`
  if (!/^postgres(ql)?:\/\//.test(store)) return `${store.replace(/\/+$/, "")}-sandbox`
  const { host, pathname } = new URL(store)
  return `${name}-${createHash("sha256").update(`${host}${pathname}`).digest("hex").slice(0, 12)}`
}
