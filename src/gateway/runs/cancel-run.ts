import { GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { AcceptedRun } from "./start-run.ts"

export interface CancelParts {
  readonly sessions: Pick<Sessions, "cancel">
  readonly logger: Logger
}

/** Milliseconds during which a cancel is retried while the store is unavailable. */
const patienceMs = 10_000
const retryMs = 500

/**
 * Cancels a run. While the store is unavailable, for example because its disk is full, retries until the signal
 * aborts. Rejects with `store_unavailable` after ten seconds; the run then stays open. Any other failure is logged,
 * and the run continues.
 */
export async function cancelRun(
  { sessions, logger }: CancelParts,
  { sessionId, runId }: Pick<AcceptedRun, "sessionId" | "runId">,
  signal: AbortSignal,
): Promise<void> {
  const ends = performance.now() + patienceMs
  while (!signal.aborted) {
    try {
      await sessions.cancel(sessionId, runId)
      return
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "store_unavailable") {
        logger.error({ error, sessionId, runId }, "A run could not be canceled. It continues.")
        return
      }
      if (performance.now() >= ends) throw createNotCanceled(error)
    }
    await sleep(retryMs, signal)
  }
}

function createNotCanceled(cause: GatewayError): GatewayError {
  const { detail = toError(cause).message } = cause
  return new GatewayError(
    { code: "store_unavailable", status: 503, retryable: true },
    "The run could not be canceled, because the store is unavailable. It stays open, and the next process that opens " +
      "the store with this agent continues it.",
    { cause, detail },
  )
}
