import type { EventEntry } from "../../../core/log/entries.ts"
import type { TaskEvent } from "../../../core/log/task-events.ts"
import type { Frame, SubAgentWire } from "../../../http/streams/wire.ts"
import type { SubAgent } from "../../../kernel/sessions/tree/sub-agent.ts"
import type { ChatState } from "./chat-state.ts"
import { createNotice, createPart, nothing } from "./chunks.ts"

/** Shows the states of the sub-agents. The protocol has no place for their texts. */
export const subAgentChunks: SubAgentWire<ChatState> = {
  start: (subAgent, state) => [state, isBefore(state) ? nothing : [createSubAgentPart(subAgent, "running")]],
  fold: (subAgent, state, entry) => [
    state,
    entry.kind !== "event" || isBefore(state) ? nothing : createFrames(subAgent, entry),
  ],
  progress: ({ taskId, name, turn, toolName }) => [
    createNotice("task-progress", { taskId, name, turn, toolName }),
  ],
  failure: (subAgent) => [createSubAgentPart(subAgent, "running")],
}

/** Returns true for a sub-agent that started before the message that the response shows. */
function isBefore({ message: { shows, phase } }: ChatState): boolean {
  return shows === "steered" && phase === "before"
}

function createFrames(subAgent: SubAgent, { event }: EventEntry): readonly Frame[] {
  switch (event.type) {
    case "waitOpened":
      return event.kind === "child" || event.kind === "timer"
        ? nothing
        : [createSubAgentPart(subAgent, "waiting")]
    case "waitResolved":
      return [createSubAgentPart(subAgent, "running")]
    case "runCompleted":
      return [createSubAgentPart(subAgent, event.disposition)]
    case "runFailed":
      return [createSubAgentPart(subAgent, "failed")]
    default:
      return nothing
  }
}

function createSubAgentPart({ sessionId, name, toolCallId, taskId }: SubAgent, state: string): Frame {
  return createPart("sub-agent", sessionId, { name, toolCallId, taskId, state })
}

/** Returns the chunks of background tasks. */
export function createTaskChunks(event: TaskEvent): readonly Frame[] {
  switch (event.type) {
    case "taskRegistered": {
      const { taskId, name, toolCallId, description } = event
      return [createPart("task", taskId, { name, toolCallId, description, state: "running" })]
    }
    case "taskEnded": {
      const { taskId, name, toolCallId, outcome } = event
      return [
        createPart("task", taskId, { name, toolCallId, state: outcome.outcome, response: outcome.response }),
      ]
    }
    case "tasksCollected":
      return nothing
    default:
      return event satisfies never
  }
}
