import type { ViewMessage, ViewPart, ViewSubAgent, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { memo } from "preact/compat"
import { MessageActions } from "./message-actions.tsx"
import { findCallId, MessagePart } from "./message-part.tsx"

// One object each, so that messages and parts that do not change are not rendered again.
export const noWaits: readonly ViewWait[] = []
export const noSubAgents: readonly ViewSubAgent[] = []

export interface MessageProps {
  readonly sessionId: string
  readonly message: ViewMessage
  /** Range of the parts to render. */
  readonly from: number
  readonly to: number
  readonly agentName: string
  /** If true, the message is still being streamed. */
  readonly isLive: boolean
  readonly waits: readonly ViewWait[]
  /** Null if no wait is open, so that the message is not rendered again with each event. */
  readonly agent: Agent | null
  /** Sub-agents of the session. */
  readonly subAgents: readonly ViewSubAgent[]
  readonly onEdit: (text: string) => void
}

/** Renders parts of a message. A part is rendered again only if it changes, because a run may have thousands. */
export const Message = memo(
  ({ sessionId, message, from, to, agentName, isLive, waits, agent, subAgents, onEdit }: MessageProps) => {
    const { role, parts } = message
    return (
      <article class={`message ${role}`} aria-label={role === "user" ? "You" : agentName}>
        {parts.slice(from, to).map((part, at) => {
          const around = isAsking(part, waits) || hasWorkers(part, subAgents)
          return (
            <MessagePart
              key={findCallId(part) ?? from + at}
              sessionId={sessionId}
              part={part}
              isUser={role === "user"}
              isLive={isLive && from + at === parts.length - 1}
              waits={around ? waits : noWaits}
              agent={around ? agent : null}
              subAgents={around ? subAgents : noSubAgents}
            />
          )
        })}
        {role === "user" && parts.length === 0 && (
          <p class="hint">This message is too long to be shown while it waits. Reload the page to see it.</p>
        )}
        {!isLive && to === parts.length && (
          <MessageActions
            message={message}
            text={joinTexts(parts)}
            onEdit={role === "user" ? onEdit : null}
          />
        )}
      </article>
    )
  },
  (before, after) =>
    before.message === after.message &&
    before.from === after.from &&
    before.to === after.to &&
    before.isLive === after.isLive &&
    before.waits === after.waits &&
    before.subAgents === after.subAgents &&
    before.agentName === after.agentName,
)

function joinTexts(parts: readonly ViewPart[]): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")
}

function isAsking(part: ViewPart, waits: readonly ViewWait[]): boolean {
  return part.type === "tool" && waits.some(({ tool_call_id }) => tool_call_id === part.tool_call_id)
}

function hasWorkers(part: ViewPart, subAgents: readonly ViewSubAgent[]): boolean {
  return part.type === "tool" && subAgents.some(({ tool_call_id }) => tool_call_id === part.tool_call_id)
}
