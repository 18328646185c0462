import { type Agent, useAgent } from "ai-agent-gateway/react"
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks"
import { type Info, issueToken } from "../api.ts"
import { Icon } from "../ui/icons.tsx"
import { Announcer } from "./announcer.tsx"
import { ChatStatus } from "./chat-status.tsx"
import { Composer } from "./composer.tsx"
import { announceChange, type Conversations } from "./conversations.ts"
import { turnsPerPage, useEarlierPages } from "./earlier-pages.ts"
import { type Draft, takeFirstMessage } from "./first-message.ts"
import { useListWindow } from "./list-window.ts"
import { countRange, MessageList } from "./message-list.tsx"
import { QueuedMessages } from "./queued-messages.tsx"
import { RunEnd } from "./run-end.tsx"
import { useStickyScroll } from "./sticky-scroll.ts"
import { TaskTray } from "./task-tray.tsx"
import { UsageLine } from "./usage-line.tsx"
import { ChatContext } from "./use-loaded-view.ts"

export interface ChatViewProps {
  readonly info: Info
  readonly conversations: Conversations
  readonly sessionId: string
}

/** One conversation: its messages, the current response, and the waits that the user can answer. */
export function ChatView({ info, conversations, sessionId }: ChatViewProps) {
  const agent = useAgent({
    url: info.prefix === "/" ? location.origin : new URL(info.prefix, location.origin).href,
    sessionId,
    toolInputDeltas: true,
    turns: turnsPerPage,
    token: ({ signal }) => issueToken({ session_id: sessionId }, signal),
  })
  const scroll = useStickyScroll()
  const earlier = useEarlierPages(agent)
  const shown = useListWindow(countRange([...earlier.pages, agent]), scroll, earlier.load)
  const [prefill, setPrefill] = useState<{ readonly text: string } | null>(null)
  const listed = conversations.items?.find(({ id }) => id === sessionId)
  const agentName = listed?.agent ?? info.agents[0]?.name ?? "agent"
  const models = useMemo(
    () => info.agents.find(({ name }) => name === agentName)?.allowedModels ?? null,
    [info, agentName],
  )
  const isBusy = agent.status === "running" || agent.status === "waiting" || agent.isRunning

  const send = ({ content, model, whenBusy }: Draft) => {
    agent.send(content, { ...(model !== null && { model }), whenBusy: isBusy ? whenBusy : "queue" })
    shown.toEnd()
  }
  useFirstMessage(agent, sessionId, send)
  useEffect(announceChange, [agent.status])

  const title = listed?.title ?? formatTitle(agent)

  return (
    <div class="chat">
      <header class="chat-head">
        <h1>{title}</h1>
        <ChatStatus status={agent.status} />
        <a class="button" href={`#/sessions/${sessionId}`}>
          <Icon name="list" />
          Log
        </a>
      </header>
      <div class="chat-scroll" ref={scroll.frame} onScroll={shown.onScroll}>
        <div class="chat-column" ref={scroll.content}>
          <ChatContext.Provider value={agent.chat}>
            <MessageList
              sessionId={sessionId}
              agent={agent}
              earlier={earlier}
              shown={shown}
              agentName={agentName}
              onEdit={(text) => setPrefill({ text })}
            />
          </ChatContext.Provider>
          <RunEnd agent={agent} onRetry={() => retry(agent, send)} />
          {!scroll.isAtEnd && (
            <button type="button" class="to-end" onClick={shown.toEnd}>
              <Icon name="down" />
              Newest message
            </button>
          )}
        </div>
      </div>
      <Announcer agent={agent} agentName={agentName} />
      <footer class="chat-foot">
        <TaskTray agent={agent} />
        <QueuedMessages agent={agent} />
        <Composer
          models={models}
          isBusy={isBusy}
          autoFocus
          prefill={prefill}
          onSend={send}
          onStop={() => void agent.stop()}
        />
        <UsageLine usage={agent.usage} />
      </footer>
    </div>
  )
}

/** Sends the first message of the session after the session is loaded, before the page shows that it is ready. */
function useFirstMessage(agent: Agent, sessionId: string, send: (draft: Draft) => void): void {
  const isLoading = agent.status === "loading"
  useLayoutEffect(() => {
    if (isLoading) return
    const draft = takeFirstMessage(sessionId)
    if (draft !== null) send(draft)
  }, [isLoading])
}

function formatTitle({ messages }: Agent): string {
  const part = messages[0]?.parts.find(({ type }) => type === "text")
  return part?.type === "text" ? part.text.slice(0, 80) : "New conversation"
}

/**
 * Retries a message. If the gateway did not accept it, sends the same message again. Otherwise sends its text as a
 * new message.
 */
function retry(agent: Agent, send: (draft: Draft) => void): void {
  if (agent.failure !== null) {
    agent.retry()
    return
  }
  const last = agent.messages.findLast(({ role }) => role === "user")
  const content = last?.parts.filter((part) => part.type === "text" || part.type === "image") ?? []
  if (content.length > 0) send({ content: content as never, model: null, whenBusy: "queue" })
}
