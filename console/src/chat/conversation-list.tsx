import { useState } from "preact/hooks"
import type { Info } from "../api.ts"
import type { Conversations } from "./conversations.ts"

export interface ConversationListProps {
  readonly info: Info
  readonly conversations: Conversations
  readonly currentId: string | undefined
}

/** The operator's own conversations, newest first, with a search over their titles. */
export function ConversationList({ info, conversations, currentId }: ConversationListProps) {
  const { items, problem, hasMore, loadMore } = conversations
  const [search, setSearch] = useState("")

  const words = search.trim().toLowerCase()
  const found = (items ?? []).filter(({ title, id }) => {
    return words === "" || `${title ?? ""} ${id}`.toLowerCase().includes(words)
  })
  const hasAgents = info.agents.length > 1

  return (
    <nav class="conversations" aria-label="Conversations">
      <input
        type="search"
        placeholder="Search conversations"
        aria-label="Search conversations"
        value={search}
        onInput={(event) => setSearch(event.currentTarget.value)}
      />
      {problem !== null && <p class="hint">The list could not be loaded: {problem}</p>}
      <ul>
        {found.map(({ id, title, agent, state }) => (
          <li key={id}>
            <a href={`#/chat/${id}`} aria-current={id === currentId ? "page" : undefined}>
              <span class="conversation-title">
                {title ?? (state === "idle" ? "Empty conversation" : "New conversation")}
              </span>
              {hasAgents && <span class="conversation-agent">{agent}</span>}
              {state !== "idle" && (
                <span class={`dot ${state}`} title={state} aria-label={state} role="img" />
              )}
            </a>
          </li>
        ))}
      </ul>
      {items !== null && found.length === 0 && (
        <p class="hint">
          {words === "" ? "Your conversations appear here." : "No conversation has these words."}
        </p>
      )}
      {hasMore && (
        <button type="button" class="link" onClick={loadMore}>
          Show older conversations
        </button>
      )}
    </nav>
  )
}
