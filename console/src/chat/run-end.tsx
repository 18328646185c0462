import type { Agent } from "ai-agent-gateway/react"
import { Icon } from "../ui/icons.tsx"
import { Notice } from "../ui/notice.tsx"

/** Offers to send the message of the last run again, unless the run completed. Explains a request that failed. */
export function RunEnd({ agent, onRetry }: { readonly agent: Agent; readonly onRetry: () => void }) {
  const { ended, failure, status, messages } = agent
  const again = (
    <button type="button" class="again" onClick={onRetry}>
      <Icon name="retry" />
      Try again
    </button>
  )
  if (failure?.code === "session_not_found") {
    return (
      <Notice tone="danger" title="The conversation does not exist">
        <p>It was removed, or it belongs to another user.</p>
        <a class="button" href="#/">
          <Icon name="plus" />
          New conversation
        </a>
      </Notice>
    )
  }
  if (failure !== null) {
    return (
      <Notice tone="danger" title="The request failed">
        <p>{failure.message}</p>
        {again}
      </Notice>
    )
  }
  if (status !== "ready") return null
  // The message of the run has its reason.
  if (ended !== null) return ended.outcome === "completed" ? null : again
  if (messages.at(-1)?.role === "user") {
    return (
      <Notice tone="warning" title="This message has no answer.">
        {again}
      </Notice>
    )
  }
  return null
}
