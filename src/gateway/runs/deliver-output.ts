import { ConfigurationError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import { type DeliveryResult, deliverNow } from "../../features/delivery/deliver.ts"
import type { DeliveryOptions } from "../../features/delivery/options.ts"
import { type RunOutput, runOutputOutcome } from "../../features/headless/run/run-output.ts"

export interface DeliverOptions {
  /** Name of the agent for receivers. Default `agent`. */
  readonly agent?: string
  /** State of the run for receivers. Default: none. */
  readonly state?: JsonObject
  /** Aborts the attempts. Default: each attempt ends after 15 seconds. */
  readonly signal?: AbortSignal
}

/**
 * Delivers the output of a run to all channels now, with one attempt each and without the outbox. It is for programs
 * that decide themselves about delivery, and that may lose an output in a crash. Resolves to the result of each
 * channel. Rejects with a `ConfigurationError` if options are wrong, or if the output has no run.
 */
export async function deliver(
  output: RunOutput,
  channels: DeliveryOptions,
  { agent = "agent", state, signal }: DeliverOptions = {},
): Promise<readonly DeliveryResult[]> {
  const { sessionId, runId, endedAt, response, toolsUsed, usage, cost, error, errorCode } = output
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
    toolsUsed,
    usage,
    cost,
    state: state ?? null,
  } as const
  return deliverNow(delivered, channels, signal === undefined ? {} : { signal })
}
