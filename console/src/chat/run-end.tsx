import { ChatError } from "ai-agent-gateway/client"
import type { Agent } from "ai-agent-gateway/react"
import { ApiError } from "../api.ts"
import { Icon } from "../ui/icons.tsx"
import { Notice } from "../ui/notice.tsx"

const interruptions: Readonly<Record<string, string>> = {
  cancelled: "You stopped this run.",
  max_turns: "The run has used all turns that the agent allows (maxTurns).",
  max_tokens: "The answer has reached the largest size that the agent allows (maxTokens).",
  budget: "The run has reached the agent's budget (maxBudgetUsd).",
}

/** Explains why the last run did not complete, and offers to send its message again. */
export function RunEnd({ agent, onRetry }: { readonly agent: Agent; readonly onRetry: () => void }) {
  const { ended, failure, status, messages } = agent
  const again = (
    <button type="button" onClick={onRetry}>
      <Icon name="retry" />
      Try again
    </button>
  )
  if (failure !== null && readCode(failure) === "session_not_found") {
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
        <p>{failure instanceof Error ? failure.message : String(failure)}</p>
        {again}
      </Notice>
    )
  }
  if (status !== "ready") return null
  if (ended?.outcome === "failed") {
    return (
      <Notice tone="danger" title="The run failed">
        <p>
          {ended.error} {ended.reason !== null && <code>{ended.reason}</code>}
        </p>
        {again}
      </Notice>
    )
  }
  if (ended?.outcome === "interrupted") {
    const reason = ended.reason ?? ""
    return (
      <Notice tone="warning" title={interruptions[reason] ?? `The run was interrupted: ${reason}`}>
        {again}
      </Notice>
    )
  }
  // After a reload, the history does not contain the end of a run.
  if (ended === null && messages.at(-1)?.role === "user") {
    return (
      <Notice tone="warning" title="This message has no answer.">
        {again}
      </Notice>
    )
  }
  return null
}

function readCode(failure: unknown): string | null {
  return failure instanceof ChatError || failure instanceof ApiError ? failure.code : null
}
