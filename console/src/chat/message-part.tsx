import type { ChatView, ViewPart, ViewSubAgent, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import { memo } from "preact/compat"
import { Markdown } from "../markdown/markdown.tsx"
import { Icon } from "../ui/icons.tsx"
import { ImagePart } from "../ui/image-part.tsx"
import { CompactionMark } from "./compaction-mark.tsx"
import { RunEndPart } from "./run-end-part.tsx"
import { Thinking } from "./thinking.tsx"
import { ToolCard } from "./tool-card.tsx"
import { useLoadedView } from "./use-loaded-view.ts"

export interface Surroundings {
  readonly waits: readonly ViewWait[]
  /** Null if no wait is open. */
  readonly agent: Agent | null
  /** All sub-agents of the session. */
  readonly subAgents: readonly ViewSubAgent[]
}

export interface MessagePartProps extends Surroundings {
  readonly part: ViewPart
  readonly isUser: boolean
  readonly isLive: boolean
  /** Session of the message. Null for a message of a sub-agent. */
  readonly sessionId?: string | null
}

/** One part of a message. The card of a call contains the conversations of its sub-agents. */
export const MessagePart = memo(({ part, isUser, isLive, sessionId = null, ...around }: MessagePartProps) => {
  switch (part.type) {
    case "text":
      // The user's text is shown exactly as typed.
      return isUser ? <p class="typed">{part.text}</p> : <Markdown text={part.text} />
    case "thinking":
      return <Thinking text={part.text} isLive={isLive} />
    case "image":
      return <ImagePart source={part.source} />
    case "run_end":
      return <RunEndPart end={part} />
    case "compaction":
      return <CompactionMark mark={part} sessionId={sessionId} />
    case "tool": {
      const wait = around.waits.find(({ tool_call_id }) => tool_call_id === part.tool_call_id) ?? null
      const workers = around.subAgents.filter(({ tool_call_id }) => tool_call_id === part.tool_call_id)
      return (
        <ToolCard call={part} wait={wait} agent={around.agent}>
          {workers.map((subAgent) => (
            <SubAgent key={subAgent.sub_agent_id} subAgent={subAgent} {...around} />
          ))}
        </ToolCard>
      )
    }
  }
})

const words = { completed: "Done", interrupted: "Interrupted", failed: "Failed" }

/** Shows the conversation of a sub-agent. Turns that the page has not seen are loaded once the sub-agent has ended. */
function SubAgent({ subAgent, ...around }: Surroundings & { readonly subAgent: ViewSubAgent }) {
  const { sub_agent_id: id, agent_name: agentName, view, partial } = subAgent
  const { loaded, problem } = useLoadedView(id, partial && !view.isRunning)
  // A sub-agent without a role or an agent of its own has no other name.
  const title = agentName === "sub-agent" ? "Sub-agent" : `Sub-agent ${agentName}`
  const state = view.isRunning ? "Working…" : words[view.ended?.outcome ?? "completed"]
  return (
    <article class="sub-agent" aria-label={`${title}: ${state}`}>
      <header class="sub-agent-head">
        <Icon name="agent" />
        <span class="sub-agent-name">{agentName}</span>
        <span class={`tool-state ${view.ended?.outcome ?? "running"}`}>{state}</span>
        <a class="quiet" href={`#/sessions/${id}`}>
          Log
        </a>
      </header>
      {partial && loaded === null && (
        <p class="hint">
          {problem ??
            (view.isRunning
              ? "Some turns are missing here. The log has all of them."
              : "Loading the conversation…")}
        </p>
      )}
      <SubConversation
        {...around}
        view={loaded ?? view}
        subAgents={loaded === null ? around.subAgents : loaded.subAgents}
      />
    </article>
  )
}

/** Maximum number of parts that are shown of a sub-agent. */
const maxParts = 200

interface ShownPart {
  readonly key: string
  readonly part: ViewPart
  readonly isUser: boolean
}

/** Returns the last parts of a conversation. */
export function listLastParts({ messages }: ChatView): readonly ShownPart[] {
  let shown: readonly ShownPart[] = []
  for (const { id, role, parts } of messages.toReversed()) {
    const skipped = Math.max(0, parts.length - (maxParts - shown.length))
    const own = parts.slice(skipped).map((part, index) => {
      const key = findCallId(part) ?? `${id}-${skipped + index}`
      return { key, part, isUser: role === "user" }
    })
    shown = [...own, ...shown]
    if (shown.length >= maxParts) break
  }
  return shown
}

export function findCallId(part: ViewPart): string | null {
  return part.type === "tool" ? part.tool_call_id : null
}

/** The last messages of a sub-agent. */
export function SubConversation({ view, ...around }: Surroundings & { readonly view: ChatView }) {
  const shown = listLastParts(view)
  const count = view.messages.reduce((sum, { parts }) => sum + parts.length, 0)
  const isCut = view.before !== null || count > shown.length
  return (
    <div class="sub-agent-body">
      {isCut && <p class="hint">Only the last turns are shown here. The log has all of them.</p>}
      {shown.map(({ key, part, isUser }, index) => (
        <MessagePart
          key={key}
          part={part}
          isUser={isUser}
          isLive={view.isRunning && index === shown.length - 1}
          {...around}
        />
      ))}
      {shown.length === 0 && <p class="hint">{view.isRunning ? "No answer yet." : "No text."}</p>}
    </div>
  )
}
