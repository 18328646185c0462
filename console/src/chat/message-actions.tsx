import type { ViewMessage } from "ai-agent-gateway/client/view"
import { CopyButton } from "../ui/copy-button.tsx"

export interface MessageActionsProps {
  readonly message: ViewMessage
  readonly text: string
  /** Null for messages that the user has not written. */
  readonly onEdit: ((text: string) => void) | null
}

/** Copies a message, or puts it into the composer again. */
export function MessageActions({ text, onEdit }: MessageActionsProps) {
  if (text === "") return null
  return (
    <div class="message-actions">
      <CopyButton text={text} label="Copy message" />
      {onEdit !== null && (
        <button type="button" class="copy" onClick={() => onEdit(text)}>
          Edit and resend
        </button>
      )}
    </div>
  )
}
