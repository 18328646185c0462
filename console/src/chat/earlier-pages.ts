import { type ChatView, viewOfHistory } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { useEffect, useRef, useState } from "preact/hooks"

/** Number of turns that the page loads at once. */
export const turnsPerPage = 30

/** The pages of earlier messages that the user has asked for. */
export interface EarlierPages {
  /** Oldest first. */
  readonly pages: readonly ChatView[]
  /** If true, the gateway has messages before these pages. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly problem: string | null
  readonly load: () => void
}

/** Loads the messages before those of the agent's view, one page after the other. */
export function useEarlierPages({ chat, before }: Agent): EarlierPages {
  const [pages, setPages] = useState<readonly ChatView[]>([])
  const [isLoading, setLoading] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const controller = useRef(new AbortController())
  useEffect(() => () => controller.current.abort(), [])
  const [oldest] = pages
  const next = oldest === undefined ? before : oldest.before

  const load = () => {
    if (next === null || isLoading) return
    const { signal } = controller.current
    setLoading(true)
    setProblem(null)
    chat
      .history({ before: next, turns: turnsPerPage, signal })
      .then((history) => setPages((known) => [viewOfHistory(history), ...known]))
      .catch((error: Error) => {
        if (!signal.aborted) setProblem(error.message)
      })
      .finally(() => setLoading(false))
  }
  return { pages, hasMore: next !== null, isLoading, problem, load }
}
