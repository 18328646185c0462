import type { ViewMessage, ViewPart, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { memo } from "preact/compat"
import { Markdown } from "../markdown/markdown.tsx"
import { ImagePart } from "../ui/image-part.tsx"
import { MessageActions } from "./message-actions.tsx"
import { Thinking } from "./thinking.tsx"
import { ToolCard } from "./tool-card.tsx"
import { WaitPanel } from "./wait-panel.tsx"

export interface MessageListProps {
  readonly agent: Agent
  readonly agentName: string
  /** Puts the text of a message into the composer. */
  readonly onEdit: (text: string) => void
}

/** All messages, and what waits for the user. */
export function MessageList({ agent, agentName, onEdit }: MessageListProps) {
  const { messages, waits, isRunning } = agent
  const shownCalls = new Set(messages.flatMap(({ parts }) => parts).map((part) => callIdOf(part)))
  const others = waits.filter(({ tool_call_id }) => !shownCalls.has(tool_call_id))
  const isSilent = isRunning && waits.length === 0 && messages.at(-1)?.role !== "assistant"

  return (
    <div class="messages">
      {messages.map((message, index) => {
        const isLast = index === messages.length - 1
        return (
          <Message
            key={message.id}
            message={message}
            agentName={agentName}
            isLive={isRunning && isLast}
            waits={isLast ? waits : noWaits}
            agent={isLast && waits.length > 0 ? agent : null}
            onEdit={onEdit}
          />
        )
      })}
      {others.map((wait) => (
        <section
          key={wait.tool_call_id}
          class="tool-card waiting"
          aria-label={`Request of ${wait.tool_name}`}
        >
          {wait.sub_agent_id !== undefined && (
            <p class="inbox-head">
              <span class="tag">Sub-agent</span>
              <span class="hint">A sub-agent of this run asks.</span>
              <a href={`#/sessions/${wait.sub_agent_id}`}>Its log</a>
            </p>
          )}
          <WaitPanel wait={wait} agent={agent} />
        </section>
      ))}
      {isSilent && (
        <p class="working">
          <span class="pulse" aria-hidden="true" />
          {agentName} is working…
        </p>
      )}
    </div>
  )
}

const noWaits: readonly ViewWait[] = []

interface MessageProps {
  readonly message: ViewMessage
  readonly agentName: string
  /** If true, the message still grows. */
  readonly isLive: boolean
  readonly waits: readonly ViewWait[]
  /** Null where nothing waits, so that the message is not rendered again with each event. */
  readonly agent: Agent | null
  readonly onEdit: (text: string) => void
}

const Message = memo(
  ({ message, agentName, isLive, waits, agent, onEdit }: MessageProps) => {
    const { role, parts } = message
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")
    return (
      <article class={`message ${role}`} aria-label={role === "user" ? "You" : agentName}>
        {parts.map((part, index) => (
          <Part
            key={callIdOf(part) ?? index}
            part={part}
            isUser={role === "user"}
            isLive={isLive && index === parts.length - 1}
            wait={waits.find(({ tool_call_id }) => tool_call_id === callIdOf(part)) ?? null}
            agent={agent}
          />
        ))}
        {!isLive && <MessageActions message={message} text={text} onEdit={role === "user" ? onEdit : null} />}
      </article>
    )
  },
  (before, after) =>
    before.message === after.message &&
    before.isLive === after.isLive &&
    before.waits === after.waits &&
    before.agentName === after.agentName,
)

interface PartProps {
  readonly part: ViewPart
  readonly isUser: boolean
  readonly isLive: boolean
  readonly wait: ViewWait | null
  readonly agent: Agent | null
}

function Part({ part, isUser, isLive, wait, agent }: PartProps) {
  switch (part.type) {
    case "text":
      // A person's text is shown as it was typed.
      return isUser ? <p class="typed">{part.text}</p> : <Markdown text={part.text} />
    case "thinking":
      return <Thinking text={part.text} isLive={isLive} />
    case "image":
      return <ImagePart source={part.source} />
    case "tool":
      return <ToolCard call={part} wait={wait} agent={agent} />
  }
}

function callIdOf(part: ViewPart): string | null {
  return part.type === "tool" ? part.toolCallId : null
}
