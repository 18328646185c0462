import type { JsonObject } from "../../../core/json/json.ts"
import { type ChildOutcome, timeLimitCode } from "../../../core/runs/child.ts"
import { toWireUsage } from "../../../core/wire/usage.ts"

/**
 * Returns the end of a sub-agent's run in the form in which the model receives it. A run that its time limit ended has
 * its partial response, as every interrupted run.
 */
export function describeOutcome(outcome: ChildOutcome): JsonObject {
  const { response, toolsUsed = [], spent } = outcome
  const error = isTimeLimit(outcome) ? null : outcome.error
  const reason = isTimeLimit(outcome) ? "timeout" : outcome.reason
  const warning = reason === null ? undefined : describePart(reason)
  return {
    outcome: isTimeLimit(outcome) ? "interrupted" : outcome.outcome,
    ...(reason !== null && { reason }),
    ...(error !== null && { error }),
    response,
    tools_used: toolsUsed,
    usage: toWireUsage(spent),
    ...(warning !== undefined && { warning }),
  }
}

/** Returns true if the gateway canceled the sub-agent at its time limit. */
export function isTimeLimit({ error }: Pick<ChildOutcome, "error">): boolean {
  return error?.code === timeLimitCode
}

const partial = "The response is partial."

/** Returns the warning for a run that was interrupted. */
function describePart(reason: string): string {
  switch (reason) {
    case "timeout":
      return `The sub-agent exceeded its time limit and was canceled. ${partial}`
    case "cancelled":
      return `The sub-agent was canceled. ${partial}`
    case "max_turns":
      return `The sub-agent reached its maximum number of turns. ${partial}`
    case "budget":
      return `The sub-agent reached its budget. ${partial}`
    case "max_tokens":
      return `The sub-agent's last message reached the maximum number of tokens. ${partial}`
    default:
      return `The sub-agent was interrupted: ${reason}. ${partial}`
  }
}
