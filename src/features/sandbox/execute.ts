import type {
  CodeLanguage,
  ExecEvent,
  ExecRequest,
  ExitReason,
  RemovedFiles,
  SandboxSession,
} from "../../core/ports/tools/sandbox.ts"
import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"
import type { Backend, Exit, Running } from "./backend.ts"
import type { DiskGuard } from "./disk/guard.ts"
import { computeDiskQuota, type SandboxLimits } from "./limits.ts"
import type { StagedFolder } from "./staged-folders.ts"
import { createTail } from "./tail.ts"
import { type DiskUsage, isWithin, measureUsage } from "./workspace/disk-usage.ts"
import { mergeRemoved, trimWorkspace } from "./workspace/trim.ts"
import type { UnfinishedExecution, UnfinishedExecutions } from "./workspace/unfinished-executions.ts"
import type { Workspace } from "./workspace/workspaces.ts"

export interface ExecuteOptions {
  readonly backend: Backend
  readonly workspace: Workspace
  /** The session of the working directory, with its user. */
  readonly session: SandboxSession
  readonly limits: SandboxLimits
  readonly guard: DiskGuard
  readonly unfinished: UnfinishedExecutions
  readonly request: ExecRequest
  /** The request's folders on disk. Default: none. */
  readonly folders?: readonly StagedFolder[]
  readonly signal: AbortSignal
  /** Default true. */
  readonly expectMore?: boolean
}

/** Runs code on a backend under the limits that no backend enforces by itself: time, and the disk quota. */
export async function* execute(options: ExecuteOptions): AsyncGenerator<ExecEvent> {
  options.signal.throwIfAborted()
  // This time is later than all earlier writes, and earlier than any write of the program.
  const execution = await options.unfinished.begin(options.workspace.path, Date.now() + 1)
  try {
    yield* runWatched(options, execution)
  } finally {
    execution.release()
  }
}

async function* runWatched(
  {
    backend,
    workspace,
    session,
    limits,
    guard,
    request,
    folders = [],
    signal,
    expectMore = true,
  }: ExecuteOptions,
  { startedAt, finish }: UnfinishedExecution,
): AsyncGenerator<ExecEvent> {
  const quota = computeDiskQuota(limits)
  const before = guard.lastUsageOf(session) ?? (await measureWithin(workspace.path, quota, signal))
  const running = await startOrAbort(
    backend.start({
      workspace,
      language: request.language,
      code: request.code,
      env: request.env,
      folders,
      expectMore,
    }),
    signal,
  )
  let stopped: ExitReason | null = null
  const unstoppable = new AbortController()
  const end = () => running.end().catch((error: unknown) => unstoppable.abort(error))
  const stop = (reason: ExitReason) => {
    stopped ??= reason
    return end()
  }
  // Without this, an execution that cannot be ended would be awaited for any length of time.
  const stopSignal = AbortSignal.any([signal, unstoppable.signal])
  // The listener also ends the execution if the output is no longer read.
  signal.addEventListener("abort", end, { once: true })
  let removed: RemovedFiles = { count: 0, paths: [] }
  const trim = async (target: DiskUsage, until: AbortSignal) => {
    const more = await trimWorkspace(workspace.path, { quota: target, startedAt, signal: until })
    removed = mergeRemoved(removed, more)
  }
  const watch = guard.watch({
    session,
    path: workspace.path,
    before,
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    stop: () => stop("diskFull"),
    trim,
  })
  const timer = setTimeout(() => stop("timeout"), request.timeoutMs)
  const output = running.output[Symbol.asyncIterator]()
  try {
    const tail = createTail(errorTailBytes)
    for (;;) {
      const { done, value } = await rejectOnAbort(stopSignal, output.next())
      if (done === true) break
      if (value.stream === "stderr") tail.push(value.bytes)
      yield value
    }
    const exit = await rejectOnAbort(stopSignal, running.exited)
    await rejectOnAbort(stopSignal, watch.settled())
    await watch.end()
    // The last writes may have been too fast to be noticed.
    const measured = await measureUsage(workspace.path, quota, stopSignal)
    if (measured === "over") stopped ??= "diskFull"
    const usage = measured === "over" ? quota : measured
    const allowed = await watch.record(usage)
    if (stopped === "diskFull" || !isWithin(usage, allowed)) {
      await trim(allowed, stopSignal)
      // Trimming keeps files that existed before the execution, so there may be nothing to remove.
      if (removed.count > 0) stopped ??= "diskFull"
      await watch.record(await measureWithin(workspace.path, quota, stopSignal))
    }
    const reason = stopped ?? guess(exit, backend, { language: request.language, errors: tail.text() })
    await finish()
    yield { type: "exit", exitCode: exit.exitCode, reason, ...(removed.count > 0 && { removed }) }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener("abort", end)
    // Output that is not read would delay the end. A read in progress ends with the code.
    const closing = output.return?.()
    await Promise.all([running.end(), watch.end()])
    await closing
  }
}

/** Measures the usage. A working directory never counts for more than its quota, to which it is trimmed. */
async function measureWithin(path: string, quota: DiskUsage, signal: AbortSignal): Promise<DiskUsage> {
  const usage = await measureUsage(path, quota, signal)
  return usage === "over" ? quota : usage
}

/** Rejects on an abort without waiting for the start. The started execution is then ended. */
async function startOrAbort(starting: Promise<Running>, signal: AbortSignal): Promise<Running> {
  try {
    return await rejectOnAbort(signal, starting)
  } catch (error) {
    // A failed start has already been reported. A failed end is left to the next reaping.
    starting.then((running) => running.end()).catch(() => {})
    throw error
  }
}

/**
 * Bytes of the error output to keep. Before it ends because of missing memory, Node prints a stack of some kilobytes
 * after the message.
 */
const errorTailBytes = 16 * 1024

const diskWords = /No space left on device|ENOSPC|Disk quota exceeded|File too large|EFBIG/
const memoryWords =
  /MemoryError|(Cannot|Failed to) allocate memory|bad_alloc|out of memory|Array buffer allocation failed|ENOMEM/
/** 128 plus SIGXFSZ: a file exceeded the size limit. */
const fileTooLarge = 153
/** 128 plus SIGSEGV: Node may end with it and without a message when it receives no more memory. */
const segmentationFault = 139

/**
 * Guesses the exit reason from the output. A full `/tmp` and, without a cgroup, full memory are only reported to the
 * code itself.
 */
function guess(
  { exitCode, outOfMemory }: Exit,
  { tellsOutOfMemory }: Backend,
  { language, errors }: { readonly language: CodeLanguage; readonly errors: string },
): ExitReason {
  if (exitCode === 0) return "exited"
  const looksLikeIt =
    memoryWords.test(errors) || (language === "javascript" && exitCode === segmentationFault)
  if (outOfMemory || (!tellsOutOfMemory && looksLikeIt)) return "outOfMemory"
  if (exitCode === fileTooLarge || diskWords.test(errors)) return "diskFull"
  return "exited"
}
