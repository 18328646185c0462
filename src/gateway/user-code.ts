import type { AgentRuntime, RunHooks } from "../core/agent-runtime.ts"
import type { Logger } from "../core/ports/logger.ts"

/** Knows which of the user's hooks, tools and runners are still at work, so that a stop does not cut them off. */
export interface UserCode {
  /** The same hooks, whose calls are followed. */
  followed(hooks: RunHooks): RunHooks
  readonly follow: AgentRuntime["follow"]
  /** Resolves when all have ended, or after a bounded time. */
  settle(): Promise<void>
}

/** With the grace time of a worker of `dev` and its last writes, less than `dev` waits before it kills it. */
const mostMs = 2_000
/** A call that does not end when it is told to may never end. */
const forgottenAfterMs = 60_000

export function followUserCode(logger: Logger): UserCode {
  const pending = new Set<Promise<unknown>>()
  const remember = (work: Promise<unknown>) => {
    pending.add(work)
    const forget = () => pending.delete(work)
    work.then(forget, forget)
    return forget
  }
  const following = <Arguments extends readonly unknown[]>(
    hook: ((...given: Arguments) => unknown) | undefined,
  ) => {
    if (hook === undefined) return undefined
    return async (...given: Arguments) => {
      const call = Promise.resolve().then(() => hook(...given))
      remember(call)
      await call
    }
  }
  return {
    followed({ onUsage, onToolResult, onToolTiming, onEvent }) {
      const followed = {
        onUsage: following(onUsage),
        onToolResult: following(onToolResult),
        onToolTiming: following(onToolTiming),
        onEvent: following(onEvent),
      }
      return Object.fromEntries(Object.entries(followed).filter(([, hook]) => hook !== undefined))
    },
    follow(call) {
      setTimeout(remember(call), forgottenAfterMs).unref()
    },
    async settle() {
      if (pending.size === 0) return
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        logger.warn(
          { calls: pending.size },
          "hooks, tools or runners were still at work when the gateway closed",
        )
        late.resolve()
      }, mostMs)
      await Promise.race([Promise.allSettled([...pending]), late.promise])
      clearTimeout(timer)
    },
  }
}
