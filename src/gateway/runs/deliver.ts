import { ConfigurationError } from "../../core/errors.ts"
import { type DeliveryResult, deliverNow } from "../../delivery/deliver.ts"
import type { DeliveryOptions } from "../../delivery/options.ts"
import { type RunOutput, runOutputOutcome } from "../../headless/run/run-output.ts"

export interface DeliverOptions {
  /** Name of the agent, as receivers see it. Default `agent`. */
  readonly agent?: string
  /** Ends the attempts. Default: each ends after 15 seconds. */
  readonly signal?: AbortSignal
}

/**
 * Delivers the output of a run to all channels now, one attempt each, without the outbox: for programs that decide
 * themselves what is delivered, and that may lose it in a crash. Resolves to the result of each channel. Rejects with
 * a `ConfigurationError` for options that are wrong, and for an output without a run.
 */
export async function deliver(
  output: RunOutput,
  channels: DeliveryOptions,
  { agent = "agent", signal }: DeliverOptions = {},
): Promise<readonly DeliveryResult[]> {
  const { sessionId, runId, endedAt, response, usage, cost, error, errorCode } = output
  if (sessionId === null || runId === null || endedAt === null)
    throw new ConfigurationError("deliver: the output has no run.")
  const outcome = runOutputOutcome(output)
  const delivered = {
    agent,
    sessionId,
    runId,
    endedAt,
    outcome: outcome === "success" ? "completed" : error === null ? "interrupted" : "failed",
    reason: outcome === "success" || error !== null ? null : outcome,
    error: error === null ? null : { code: errorCode ?? "error", message: error },
    response,
    usage,
    cost,
  } as const
  return deliverNow(delivered, channels, signal === undefined ? {} : { signal })
}
