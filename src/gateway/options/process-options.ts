import type { Ids } from "../../core/ids.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Clock } from "../../core/time/clock.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createFunctionSchema, createObjectSchema, milliseconds } from "../../platform/options/schemas.ts"
import type { HookOptions } from "../hooks/hooks.ts"
import { type ShutdownOptions, shutdownOptions } from "./shutdown-options.ts"

/** Options of the gateway's process: its start, its end, and calls of the application's functions. */
export interface ProcessOptions extends ShutdownOptions {
  /**
   * Maximum milliseconds of one call of an approval policy, an interceptor, a tool's validator, `buildChatRuntime`,
   * `resolveCredentials`, `onSessionCreated` or another hook. The function's signal is then aborted, and the call
   * counts as failed. Default 30 000.
   */
  readonly callbackTimeoutMs?: number
  /**
   * Called once, when everything is open, before the first response. A rejection stops the start. The signal aborts
   * if the gateway is closed meanwhile.
   */
  readonly onStartup?: (options: HookOptions) => void | Promise<void>
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
  ...shutdownOptions,
  callbackTimeoutMs: milliseconds.default(30_000),
  onStartup: createFunctionSchema<NonNullable<ProcessOptions["onStartup"]>>().optional(),
  onSessionCreated: createFunctionSchema<NonNullable<ProcessOptions["onSessionCreated"]>>().optional(),
  clock: createObjectSchema<Clock>().optional(),
  ids: createObjectSchema<Ids>().optional(),
})
