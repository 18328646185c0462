import { z } from "zod"
import type { Ids } from "../../core/ids.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { declareOptions } from "../../options/declare-options.ts"
import { anObject, callback, milliseconds } from "../../options/schemas.ts"
import type { HookOptions } from "../hooks/hooks.ts"

/** Options of the gateway's process: its start, its end, and calls of the application's functions. */
export interface ProcessOptions {
  /**
   * Maximum milliseconds of one call of an approval policy, an interceptor, a tool's validator, `buildChatRuntime`,
   * `resolveCredentials`, `onSessionCreated` or another hook. The function's signal is then aborted, and the call
   * counts as failed. Default 30 000.
   */
  readonly callbackTimeoutMs?: number
  /**
   * Milliseconds that active runs may continue after `close()` or SIGTERM. The rest is parked and resumes at the next
   * start. Closing takes up to five more seconds. Default 20 000.
   */
  readonly shutdownGraceMs?: number
  /**
   * Called once, when everything is open, before the first response. A rejection stops the start. The signal aborts
   * if the gateway is closed meanwhile.
   */
  readonly onStartup?: (options: HookOptions) => void | Promise<void>
  /** Called once, when no run is active any more. The gateway waits for it for two seconds. */
  readonly onShutdown?: (options: HookOptions) => void | Promise<void>
  /** Called with each new session, before the client receives its token. */
  readonly onSessionCreated?: (
    session: { readonly id: string; readonly agent: string } & Principal,
    options: HookOptions,
  ) => void | Promise<void>
  /** For tests. Default: the system's clock. */
  readonly clock?: Clock
  /** For tests. Default: random ids. */
  readonly ids?: Ids
}

export const processOptions = declareOptions<ProcessOptions>()({
  callbackTimeoutMs: milliseconds.default(30_000),
  shutdownGraceMs: z.int().nonnegative().max(longestTimerMs).default(20_000),
  onStartup: callback<NonNullable<ProcessOptions["onStartup"]>>().optional(),
  onShutdown: callback<NonNullable<ProcessOptions["onShutdown"]>>().optional(),
  onSessionCreated: callback<NonNullable<ProcessOptions["onSessionCreated"]>>().optional(),
  clock: anObject<Clock>().optional(),
  ids: anObject<Ids>().optional(),
})
