import type { ViewMessage } from "ai-agent-gateway/client/view"
import { CopyButton } from "../ui/copy-button.tsx"
import { countInputTokens, countText, formatCost } from "../ui/format.ts"

export interface MessageActionsProps {
  readonly message: ViewMessage
  readonly text: string
  /** Null for messages of the model. */
  readonly onEdit: ((text: string) => void) | null
}

/** Copies a message, or puts it into the composer again. Shows the cost of a response. */
export function MessageActions({ message, text, onEdit }: MessageActionsProps) {
  const { usage } = message
  if (text === "") return null
  return (
    <div class="message-actions">
      <CopyButton text={text} label="Copy message" />
      {usage !== null && (
        <span class="turn-usage">
          {countText(countInputTokens(usage))} in · {countText(usage.output_tokens)} out ·{" "}
          {formatCost(usage.estimated_cost)}
        </span>
      )}
      {onEdit !== null && (
        <button type="button" class="copy" onClick={() => onEdit(text)}>
          Edit and resend
        </button>
      )}
    </div>
  )
}
