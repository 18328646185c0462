import type { ChatView, ViewPart, ViewSubAgent, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
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
export function MessagePart({ part, isUser, isLive, sessionId = null, ...around }: MessagePartProps) {
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
}

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

/** The messages of a sub-agent. */
export function SubConversation({ view, ...around }: Surroundings & { readonly view: ChatView }) {
  return (
    <div class="sub-agent-body">
      {view.messages.map((message, at) =>
        message.parts.map((part, index) => (
          <MessagePart
            key={part.type === "tool" ? part.tool_call_id : `${message.id}-${index}`}
            part={part}
            isUser={message.role === "user"}
            isLive={view.isRunning && at === view.messages.length - 1 && index === message.parts.length - 1}
            {...around}
          />
        )),
      )}
      {view.messages.length === 0 && <p class="hint">{view.isRunning ? "No answer yet." : "No text."}</p>}
    </div>
  )
}
