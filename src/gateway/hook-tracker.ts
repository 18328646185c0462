import type { RunHooks } from "../core/agent-runtime.ts"
import type { Logger } from "../core/ports/logger.ts"

/** Knows which of the user's hooks are still at work, so that a stop does not cut them off. */
export interface HookTracker {
  /** The same hooks, whose calls are counted. */
  track(hooks: RunHooks): RunHooks
  /** Resolves when all have ended, or after a bounded time. */
  settle(): Promise<void>
}

const mostMs = 5_000

export function createHookTracker(logger: Logger): HookTracker {
  const pending = new Set<Promise<unknown>>()
  const counting = <Arguments extends readonly unknown[]>(
    hook: ((...given: Arguments) => unknown) | undefined,
  ) => {
    if (hook === undefined) return undefined
    return async (...given: Arguments) => {
      const call = Promise.resolve().then(() => hook(...given))
      pending.add(call)
      try {
        await call
      } finally {
        pending.delete(call)
      }
    }
  }
  return {
    track({ onUsage, onToolResult, onToolTiming, onEvent }) {
      const tracked = {
        onUsage: counting(onUsage),
        onToolResult: counting(onToolResult),
        onToolTiming: counting(onToolTiming),
        onEvent: counting(onEvent),
      }
      return Object.fromEntries(Object.entries(tracked).filter(([, hook]) => hook !== undefined))
    },
    async settle() {
      if (pending.size === 0) return
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        logger.warn({ hooks: pending.size }, "hooks were still at work when the gateway closed")
        late.resolve()
      }, mostMs)
      await Promise.race([Promise.allSettled([...pending]), late.promise])
      clearTimeout(timer)
    },
  }
}
