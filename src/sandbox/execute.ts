import type { ExecEvent, ExecRequest, ExitReason } from "../core/ports/sandbox.ts"
import type { Backend, Exit, Running } from "./backend.ts"
import { megabyte, type SandboxLimits } from "./limits.ts"
import { createTail } from "./tail.ts"
import { trimWorkspace } from "./workspace/trim.ts"
import { isDiskShort, isOverQuota } from "./workspace/usage.ts"
import type { Workspace } from "./workspace/workspaces.ts"

export interface ExecuteOptions {
  readonly backend: Backend
  readonly workspace: Workspace
  readonly limits: SandboxLimits
  readonly request: ExecRequest
  readonly signal: AbortSignal
  /** Default true. */
  readonly expectMore?: boolean
}

/** Runs code on a backend under the limits that no backend enforces by itself: time, and the quota of the disk. */
export async function* execute(options: ExecuteOptions): AsyncGenerator<ExecEvent> {
  const { backend, workspace, limits, request, signal, expectMore = true } = options
  signal.throwIfAborted()
  const quota = limits.diskMb * megabyte
  // Later than whatever was written before, and earlier than any program can write.
  const startedAt = Date.now() + 1
  const running = await startOrAbort(
    backend.start({ workspace, language: request.language, code: request.code, expectMore }),
    signal,
  )
  let stopped: ExitReason | null = null
  const unstoppable = new AbortController()
  const end = () => void running.end().catch((error: unknown) => unstoppable.abort(error))
  const stop = (reason: ExitReason) => {
    stopped ??= reason
    end()
  }
  // What cannot be ended would be waited for as long as it likes.
  const over = AbortSignal.any([signal, unstoppable.signal])
  const watched = new AbortController()
  const watching = watchQuota({ workspace, quota, signal: watched.signal }, () => stop("diskFull"))
  // Where nobody can tell how full the disk is, nothing goes on.
  watching.catch(end)
  const timer = setTimeout(() => stop("timeout"), request.timeoutMs)
  const output = running.output[Symbol.asyncIterator]()
  try {
    const tail = createTail(errorTailBytes)
    for (;;) {
      const { done, value } = await orAbort(output.next(), over)
      if (done === true) break
      if (value.stream === "stderr") tail.push(value.bytes)
      yield value
    }
    const exit = await orAbort(running.exited, over)
    watched.abort()
    await watching
    // What was written too fast to be caught in the act.
    if (await isOverQuota(workspace.path, quota)) stopped ??= "diskFull"
    const reason = stopped ?? guess(exit, backend, tail.text())
    const removed = stopped === "diskFull" ? await trimWorkspace(workspace.path, { quota, startedAt }) : null
    yield {
      type: "exit",
      exitCode: exit.exitCode,
      reason,
      ...(removed !== null && removed.count > 0 && { removed }),
    }
  } finally {
    clearTimeout(timer)
    watched.abort()
    // Output that nobody takes would hold up the end; what is being waited for comes to its own end with the code.
    const closing = output.return?.()
    await Promise.all([running.end(), watching])
    await closing
  }
}

/** An abort does not wait for the start, and ends what comes of it. */
async function startOrAbort(starting: Promise<Running>, signal: AbortSignal): Promise<Running> {
  try {
    return await orAbort(starting, signal)
  } catch (error) {
    // A failure to start is told already; one to end leaves what the next reaping finds.
    starting.then((running) => running.end()).catch(() => {})
    throw error
  }
}

const intervalMs = 100

async function watchQuota(
  {
    workspace,
    quota,
    signal,
  }: { readonly workspace: Workspace; readonly quota: number; readonly signal: AbortSignal },
  onExceeded: () => void,
): Promise<void> {
  let pauseMs = intervalMs
  for (;;) {
    await pause(pauseMs, signal)
    if (signal.aborted) return
    const began = performance.now()
    if ((await isDiskShort(workspace.path)) || (await isOverQuota(workspace.path, quota))) return onExceeded()
    // A large tree takes long to measure; the processor is not spent on that alone.
    pauseMs = Math.max(intervalMs, 2 * (performance.now() - began))
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener("abort", done, { once: true })
    if (signal.aborted) done()
    function done() {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
  })
}

async function orAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener("abort", onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}

/** Before it ends for want of memory, Node prints a stack of some kilobytes after the words that say so. */
const errorTailBytes = 16 * 1024

const diskWords = /No space left on device|ENOSPC|Disk quota exceeded|File too large|EFBIG/
const memoryWords =
  /MemoryError|(Cannot|Failed to) allocate memory|bad_alloc|out of memory|Array buffer allocation failed|ENOMEM/
/** 128 and SIGXFSZ: a file passed the limit of its size. */
const fileTooLarge = 153

/** A full `/tmp` and, without a cgroup, full memory are told to the code alone, so all that is left is what it said. */
function guess({ exitCode, outOfMemory }: Exit, { tellsOutOfMemory }: Backend, errors: string): ExitReason {
  if (exitCode === 0) return "exited"
  if (outOfMemory || (!tellsOutOfMemory && memoryWords.test(errors))) return "outOfMemory"
  if (exitCode === fileTooLarge || diskWords.test(errors)) return "diskFull"
  return "exited"
}
