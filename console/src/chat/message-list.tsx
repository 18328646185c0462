import type { ViewMessage, ViewPart, ViewSubAgent, ViewTask, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { memo } from "preact/compat"
import { MessageActions } from "./message-actions.tsx"
import { MessagePart } from "./message-part.tsx"
import { WaitPanel } from "./wait-panel.tsx"

export interface MessageListProps {
  readonly sessionId: string
  readonly agent: Agent
  readonly agentName: string
  /** Puts the text of a message into the composer. */
  readonly onEdit: (text: string) => void
}

/** All messages and all open waits. */
export function MessageList({ sessionId, agent, agentName, onEdit }: MessageListProps) {
  const { messages, waits, subAgents, tasks, taskViews, isRunning, notice } = agent
  const views = [agent, ...subAgents.map(({ view }) => view), ...taskViews.values()]
  const conversations = views.flatMap((view) => view.messages)
  const shownCalls = new Set(conversations.flatMap(({ parts }) => parts).map((part) => callIdOf(part)))
  const others = waits.filter(({ tool_call_id }) => !shownCalls.has(tool_call_id))
  const isSilent = isRunning && waits.length === 0 && (notice !== null || !hasBegun(messages.at(-1)))

  return (
    <div class="messages">
      {messages.map((message, index) => {
        const isLast = index === messages.length - 1
        return (
          <Message
            key={message.id}
            sessionId={sessionId}
            message={message}
            agentName={agentName}
            isLive={isRunning && isLast}
            waits={isLast ? waits : noWaits}
            agent={isLast && waits.length > 0 ? agent : null}
            subAgents={hasWorkers(message, subAgents) ? subAgents : noSubAgents}
            onEdit={onEdit}
          />
        )
      })}
      {others.map((wait) => (
        <article
          key={wait.tool_call_id}
          class="tool-card waiting"
          aria-label={`Request of ${wait.tool_name}`}
        >
          {wait.sub_agent_id !== undefined && (
            <p class="inbox-head">
              <span class="tag">Sub-agent</span>
              <span class="hint">{formatAsking(wait, tasks)}</span>
              <a href={`#/sessions/${wait.sub_agent_id}`}>Its log</a>
            </p>
          )}
          <WaitPanel wait={wait} agent={agent} />
        </article>
      ))}
      {isSilent && (
        <p class="working">
          <span class="pulse" aria-hidden="true" />
          {notice ?? `${agentName} is working…`}
        </p>
      )}
    </div>
  )
}

const noWaits: readonly ViewWait[] = []
const noSubAgents: readonly ViewSubAgent[] = []

interface MessageProps {
  readonly sessionId: string
  readonly message: ViewMessage
  readonly agentName: string
  /** If true, the message is still being streamed. */
  readonly isLive: boolean
  readonly waits: readonly ViewWait[]
  /** Null if no wait is open, so that the message is not rendered again with each event. */
  readonly agent: Agent | null
  /** Empty for a message without sub-agents. */
  readonly subAgents: readonly ViewSubAgent[]
  readonly onEdit: (text: string) => void
}

const Message = memo(
  ({ sessionId, message, agentName, isLive, waits, agent, subAgents, onEdit }: MessageProps) => {
    const { role, parts } = message
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")
    return (
      <article class={`message ${role}`} aria-label={role === "user" ? "You" : agentName}>
        {parts.map((part, index) => (
          <MessagePart
            key={callIdOf(part) ?? index}
            sessionId={sessionId}
            part={part}
            isUser={role === "user"}
            isLive={isLive && index === parts.length - 1}
            waits={waits}
            agent={agent}
            subAgents={subAgents}
          />
        ))}
        {role === "user" && parts.length === 0 && (
          <p class="hint">This message is too long to be shown while it waits. Reload the page to see it.</p>
        )}
        {!isLive && <MessageActions message={message} text={text} onEdit={role === "user" ? onEdit : null} />}
      </article>
    )
  },
  (before, after) =>
    before.message === after.message &&
    before.isLive === after.isLive &&
    before.waits === after.waits &&
    before.subAgents === after.subAgents &&
    before.agentName === after.agentName,
)

/** Returns true for a message of the assistant that ends with words or a call, and not with a mark. */
function hasBegun(message: ViewMessage | undefined): boolean {
  return message?.role === "assistant" && message.parts.at(-1)?.type !== "compaction"
}

/** Returns true if a sub-agent works for a call in the message. */
function hasWorkers({ parts }: ViewMessage, subAgents: readonly ViewSubAgent[]): boolean {
  return subAgents.some(({ tool_call_id }) => parts.some((part) => callIdOf(part) === tool_call_id))
}

function formatAsking({ sub_agent_id = "" }: ViewWait, tasks: readonly ViewTask[]): string {
  const task = tasks.find(({ sub_agent_ids }) => sub_agent_ids.includes(sub_agent_id))
  return task === undefined
    ? "A sub-agent of this run asks."
    : `The background task “${task.description}” asks.`
}

function callIdOf(part: ViewPart): string | null {
  return part.type === "tool" ? part.tool_call_id : null
}
