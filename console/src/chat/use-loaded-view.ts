import type { ChatView } from "ai-agent-gateway/client/view"
import { viewOfHistory } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { createContext } from "preact"
import { useContext, useEffect, useState } from "preact/hooks"
import { turnsPerPage } from "./earlier-pages.ts"

/** The session's client, by which the conversations of its sub-agents are loaded. */
export const ChatContext = createContext<Agent["chat"] | null>(null)

/** Loads the view of a sub-agent if it is needed. */
export function useLoadedView(id: string, isNeeded: boolean) {
  const chat = useContext(ChatContext)
  const [loaded, setLoaded] = useState<ChatView | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    if (!isNeeded || chat === null) return
    const controller = new AbortController()
    const { signal } = controller
    chat.history({ subAgentId: id, turns: turnsPerPage, signal }).then(
      (history) => setLoaded(viewOfHistory({ ...history, messages: withoutTask(history.messages) })),
      (error: Error) => {
        if (!signal.aborted) setProblem(`The conversation could not be loaded: ${error.message}`)
      },
    )
    return () => controller.abort()
  }, [chat, id, isNeeded])
  return { loaded, problem }
}

/** The call of the sub-agent shows the task, which is the first message. */
function withoutTask<Message extends { readonly role: string }>(messages: readonly Message[]) {
  return messages[0]?.role === "user" ? messages.slice(1) : messages
}
