import { useEffect, useState } from "preact/hooks"
import type { OperationOutput } from "../../../src/operations/operations.ts"
import { call } from "../api.ts"

export type Conversation = OperationOutput<"sessions.list">["items"][number]

interface Listed {
  readonly items: readonly Conversation[] | null
  readonly next: string | null
  readonly problem: string | null
}

const changed = new EventTarget()

/** Milliseconds between two requests for the states of the conversations, while the page is visible. */
const pollMs = 5_000

/** Reports to the list that a conversation has changed. */
export function announceChange(): void {
  changed.dispatchEvent(new Event("change"))
}

/** Reports to the list that a conversation was started, before the gateway knows its first message. */
export function announceConversation(sessionId: string, title: string): void {
  changed.dispatchEvent(new CustomEvent("start", { detail: [sessionId, title] }))
  announceChange()
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
  const [started, setStarted] = useState<ReadonlyMap<string, string>>(new Map())

  const load = (after: string | null) => {
    call<OperationOutput<"sessions.list">>("GET", "sessions", {
      query: { after, owner: "me", limit: "30" },
    }).then(
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
    const addStarted = (event: Event) => {
      const { detail } = event as CustomEvent<readonly [string, string]>
      setStarted((before) => new Map([...before, detail]))
    }
    refresh()
    changed.addEventListener("change", refresh)
    changed.addEventListener("start", addStarted)
    const timer = setInterval(() => {
      if (!document.hidden) refresh()
    }, pollMs)
    return () => {
      changed.removeEventListener("change", refresh)
      changed.removeEventListener("start", addStarted)
      clearInterval(timer)
    }
  }, [])

  return {
    items:
      listed.items?.map((each) => ({ ...each, title: each.title ?? started.get(each.id) ?? null })) ?? null,
    problem: listed.problem,
    hasMore: listed.next !== null,
    loadMore: () => load(listed.next),
  }
}

/** Returns the reloaded first page, followed by the pages that were loaded after it. */
function merge(first: readonly Conversation[], before: readonly Conversation[]): readonly Conversation[] {
  const ids = new Set(first.map(({ id }) => id))
  return [...first, ...before.filter(({ id }) => !ids.has(id))]
}
