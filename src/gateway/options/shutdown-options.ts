import { z } from "zod"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createFunctionSchema } from "../../platform/options/schemas.ts"
import type { HookOptions } from "../hooks/hooks.ts"

/** Options of the end of the gateway's process. */
export interface ShutdownOptions {
  /**
   * Milliseconds that active runs may continue after `close()` or SIGTERM. The rest is parked and resumes at the next
   * start. Closing takes up to five more seconds. Default 20 000.
   */
  readonly shutdownGraceMs?: number
  /** Called once, when no run is active any more. The gateway waits for it for two seconds. */
  readonly onShutdown?: (options: HookOptions) => void | Promise<void>
}

export const shutdownOptions = declareOptions<ShutdownOptions>()({
  shutdownGraceMs: z.int().nonnegative().max(longestTimerMs).default(20_000),
  onShutdown: createFunctionSchema<NonNullable<ShutdownOptions["onShutdown"]>>().optional(),
})
