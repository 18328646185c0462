import { declareOptions, type Resolved } from "../../options/declare-options.ts"
import { waitSeconds } from "../../options/schemas.ts"

/** Options of the waits of a run, including a run of another framework's loop. */
export interface WaitOptions {
  /**
   * Seconds to wait for an answer. When the wait expires, an approval is denied, a question is answered with `cancel`,
   * and a client tool's call fails with `client_timeout`. Default 86 400: a day.
   */
  readonly approvalTimeoutSeconds?: number
}

export const waitOptions = declareOptions<WaitOptions>()({
  approvalTimeoutSeconds: waitSeconds.default(86_400),
})

export type ResolvedWaitOptions = Resolved<WaitOptions, typeof waitOptions>
