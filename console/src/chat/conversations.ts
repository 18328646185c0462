import { useEffect, useState } from "preact/hooks"
import { type Conversation, call, type Page } from "../api.ts"

interface Listed {
  readonly items: readonly Conversation[] | null
  readonly next: string | null
  readonly problem: string | null
}

const changed = new EventTarget()

/** Milliseconds between two requests for the states of the conversations, while the page is visible. */
const pollMs = 5_000

/** Reports to the list that a conversation was started or has changed. */
export function announceConversation(): void {
  changed.dispatchEvent(new Event("change"))
}

export interface Conversations {
  /** The conversations. Null until they are loaded. */
  readonly items: readonly Conversation[] | null
  readonly problem: string | null
  readonly hasMore: boolean
  readonly loadMore: () => void
}

export function useConversations(): Conversations {
  const [listed, setListed] = useState<Listed>({ items: null, next: null, problem: null })

  const load = (after: string | null) => {
    call<Page<Conversation>>("GET", "conversations", { query: { after } }).then(
      ({ items, next }) => {
        setListed((before) => ({
          items: after === null ? merge(items, before.items ?? []) : [...(before.items ?? []), ...items],
          next: after === null && before.next !== null ? before.next : next,
          problem: null,
        }))
      },
      (error: Error) => setListed((before) => ({ ...before, problem: error.message })),
    )
  }
  const refresh = () => load(null)
  useEffect(() => {
    refresh()
    changed.addEventListener("change", refresh)
    const timer = setInterval(() => {
      if (!document.hidden) refresh()
    }, pollMs)
    return () => {
      changed.removeEventListener("change", refresh)
      clearInterval(timer)
    }
  }, [])

  return {
    items: listed.items,
    problem: listed.problem,
    hasMore: listed.next !== null,
    loadMore: () => load(listed.next),
  }
}

/** Returns the reloaded first page, followed by the pages that were loaded after it. */
function merge(first: readonly Conversation[], before: readonly Conversation[]): readonly Conversation[] {
  const ids = new Set(first.map(({ session_id }) => session_id))
  return [...first, ...before.filter(({ session_id }) => !ids.has(session_id))]
}
