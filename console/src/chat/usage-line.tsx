import type { Usage } from "ai-agent-gateway/client"
import { countInputTokens, countText, formatCost } from "../ui/format.ts"

/** Tokens and cost of the whole session. */
export function UsageLine({ usage }: { readonly usage: Usage | null }) {
  if (usage === null) return null
  const cached = usage.cache_read_input_tokens
  if (countInputTokens(usage) + usage.output_tokens === 0) return null
  return (
    <p class="usage" data-testid="usage">
      <span>Session</span>
      <span>
        {countText(countInputTokens(usage))} tokens in{cached > 0 && ` (${countText(cached)} cached)`}
      </span>
      <span>{countText(usage.output_tokens)} tokens out</span>
      <span>{formatCost(usage.estimated_cost)}</span>
    </p>
  )
}
