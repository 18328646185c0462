import type { Agent } from "ai-agent-gateway/react"

const words: Readonly<Record<Agent["status"], string>> = {
  loading: "Loading the conversation…",
  ready: "Ready",
  running: "Working…",
  waiting: "Waiting for you",
  reconnecting: "Connection lost. Reconnecting…",
  failed: "Failed",
}

export function ChatStatus({ status }: { readonly status: Agent["status"] }) {
  return (
    <span class={`status ${status}`} data-status={status}>
      <span class="status-dot" aria-hidden="true" />
      {words[status]}
    </span>
  )
}
