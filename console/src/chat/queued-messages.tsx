import type { QueuedMessage } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { Icon } from "../ui/icons.tsx"

/** Queued messages, which wait for the open run. */
export function QueuedMessages({ agent }: { readonly agent: Agent }) {
  if (agent.queued.length === 0) return null
  return (
    <ul class="queued" aria-label="Messages that wait">
      {agent.queued.map((message) => (
        <li key={message.key}>
          <span class="tag">{message.steers ? "Steers this run" : "Queued"}</span>
          <span class="queued-text">{formatMessage(message)}</span>
          {message.run_id !== null && (
            <button
              type="button"
              class="icon-button"
              aria-label={`Take the message back: ${formatMessage(message)}`}
              onClick={() => void agent.withdraw(message)}
            >
              <Icon name="close" />
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}

function formatMessage({ content }: QueuedMessage): string {
  if (typeof content === "string") return content
  if (content.length === 0) return "A long message"
  return content.map((block) => (block.type === "text" ? block.text : "[image]")).join(" ")
}
