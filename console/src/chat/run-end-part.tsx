import type { ViewRunEndPart } from "ai-agent-gateway/client/view"

const interruptions: Readonly<Record<string, string>> = {
  cancelled: "You stopped this run.",
  max_turns: "The run has used all turns that the agent allows (maxTurns).",
  max_tokens: "The answer has reached the largest size that the agent allows (maxTokens).",
  budget: "The run has reached the agent's budget (maxBudgetUsd).",
}

/**
 * Explains at the end of a run's message why the run did not complete. It is no alert, because a loaded conversation
 * may have many of them.
 */
export function RunEndPart({ end }: { readonly end: ViewRunEndPart }) {
  const { outcome, reason, error, provider_message, summary } = end
  if (outcome === "interrupted") {
    return (
      <div class="notice warning">
        <p class="notice-title">{interruptions[reason ?? ""] ?? `The run was interrupted: ${reason}`}</p>
        {summary !== undefined && <p class="plain-text">{summary}</p>}
      </div>
    )
  }
  return (
    <div class="notice danger">
      <p class="notice-title">The run failed</p>
      <p>
        {error} {reason !== null && <code>{reason}</code>}
      </p>
      {provider_message !== undefined && <p class="plain-text">{provider_message}</p>}
    </div>
  )
}
