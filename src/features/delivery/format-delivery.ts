import { formatRunFacts } from "../../core/runs/format-run-facts.ts"
import type { Delivery } from "./options.ts"

/** Returns the response, or the reason why there is none. */
export function formatDelivery({ response, outcome, reason, error }: Delivery): string {
  if (error !== null) return `The run failed: ${error.message}`
  const state = outcome === "completed" ? "" : `The run was interrupted: ${reason ?? "unknown"}.`
  return (
    [state, response].filter((part) => part.trim() !== "").join("\n\n") || "The run ended without a text."
  )
}

/** Returns the status, the usage and the tools of the run, and then the response. */
export function formatSummary(delivery: Delivery): string {
  const { response, error } = delivery
  const text = error === null ? response : `Error: ${error.message}`
  const lines = [`Status: ${formatStatus(delivery)}`, ...formatRunFacts(delivery)]
  return [lines.join("\n"), text].filter((part) => part.trim() !== "").join("\n\n")
}

function formatStatus({ outcome, reason }: Delivery): string {
  switch (reason) {
    case "timeout":
      return "timed out"
    case "budget":
    case "budget_exceeded":
      return "budget exceeded"
    case "max_turns":
      return "max turns reached"
    case "cancelled":
      return "canceled"
    default:
      return reason === null ? outcome : `${outcome}: ${reason}`
  }
}

export function formatSubject({ agent, outcome }: Delivery): string {
  return outcome === "completed" ? agent : `${agent}: ${outcome}`
}
