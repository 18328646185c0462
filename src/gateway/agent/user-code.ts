import type { Logger } from "../../core/ports/logger.ts"
import type { RunHooks } from "../../core/runs/run-hooks.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { AgentRuntime } from "../../kernel/agent/agent-runtime.ts"
import type { Hooks } from "../hooks/hooks.ts"

/** Calls the application's functions within their time limit, and tracks the calls that have not returned. */
export interface UserCode {
  /** Maximum milliseconds of one call. */
  readonly timeoutMs: number
  /** Returns hooks of one request that are bounded in time and awaited when the gateway closes. */
  followHooks(hooks: Hooks): RunHooks
  readonly follow: AgentRuntime["follow"]
  /** Calls one function. Rejects with `callback_timeout` if it takes longer than `callbackTimeoutMs`. */
  call<Value>(
    name: string,
    callback: (signal: AbortSignal) => Value | Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value>
  /** Resolves when every followed call has ended. After two seconds it aborts the remaining calls, and resolves. */
  settle(): Promise<void>
}

export interface UserCodeOptions {
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

/**
 * Milliseconds to wait. `dev` kills a worker that takes longer to stop than this, its grace time and its last writes
 * together.
 */
const settleMs = 2_000
/**
 * Milliseconds after which a tool or a runner that ignores its signal is no longer tracked, because it may never
 * return.
 */
const forgottenAfterMs = 60_000

export function followUserCode({ callbackTimeoutMs: timeoutMs, logger }: UserCodeOptions): UserCode {
  const closing = new AbortController()
  const pending = new Set<Promise<unknown>>()
  /** Tracks the work. `onEnd` is called when the work has settled. */
  const remember = (work: Promise<unknown>, onEnd: () => void = () => undefined) => {
    pending.add(work)
    const forget = () => {
      pending.delete(work)
      onEnd()
    }
    work.then(forget, forget)
    return forget
  }
  const call: UserCode["call"] = (name, callback, signal) =>
    callBounded(callback, { name, signal, timeoutMs })
  /** Starts the call in a later microtask, so that a hook never delays the fact that it observes. */
  const followCall = (name: string, callback: (signal: AbortSignal) => void | Promise<void>) => {
    const work = Promise.resolve().then(() => call(name, callback, closing.signal))
    remember(work)
    return work
  }
  return {
    timeoutMs,
    followHooks({ onUsage, onRunUsage, onToolResult, onToolTiming, onEvent }) {
      return {
        ...(onUsage && {
          onUsage: (report) => followCall("onUsage", (signal) => onUsage(report, { signal })),
        }),
        ...(onRunUsage && {
          onRunUsage: (report) => followCall("onRunUsage", (signal) => onRunUsage(report, { signal })),
        }),
        ...(onToolResult && {
          onToolResult: (report) => followCall("onToolResult", (signal) => onToolResult(report, { signal })),
        }),
        ...(onToolTiming && {
          onToolTiming: (timing) => followCall("onToolTiming", (signal) => onToolTiming(timing, { signal })),
        }),
        ...(onEvent && {
          onEvent: (entry, origin) =>
            followCall("onEvent", (signal) => onEvent(entry, { ...origin, signal })),
        }),
      }
    },
    follow(work) {
      const timer = setTimeout(() => forget(), forgottenAfterMs)
      timer.unref()
      const forget = remember(work, () => clearTimeout(timer))
    },
    call,
    async settle() {
      if (pending.size === 0) return
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        logger.warn(
          { calls: pending.size },
          "Hooks, tools or runners had not returned when the gateway closed. The gateway no longer waits for them.",
        )
        closing.abort(new Error("The gateway is closed."))
        late.resolve()
      }, settleMs)
      await Promise.race([Promise.allSettled([...pending]), late.promise])
      clearTimeout(timer)
    },
  }
}
