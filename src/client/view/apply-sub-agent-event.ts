import type { ChatEvent } from "../wire/chat-event.ts"
import { closeWaits, openWait } from "./apply-tool-event.ts"
import { type ChatView, openRun } from "./view.ts"

/**
 * Applies an event of a sub-agent. A view shows only the waits of sub-agents, because their text is not the
 * session's.
 */
export function applySubAgentEvent(view: ChatView, event: ChatEvent): ChatView {
  switch (event.type) {
    case "tool_approval_request": {
      const { type, ...request } = event
      return openWait(openRun(view), { kind: "approval", ...request })
    }
    case "elicitation_request": {
      const { type, ...request } = event
      return openWait(openRun(view), { kind: "question", ...request })
    }
    case "tool_call_start": {
      const { tool_call_id, tool_name, tool_input, nonce, sub_agent_id } = event
      if (nonce === undefined) return view
      const wait = { kind: "clientTool", tool_call_id, nonce, tool_name, tool_input, sub_agent_id } as const
      return openWait(openRun(view), wait)
    }
    case "approval_resolved":
    case "elicitation_resolved":
    case "tool_call_complete":
    case "tool_call_interrupted":
      return closeWaits(view, event.tool_call_id)
    // The open waits of a sub-agent are sent again after its start.
    case "sub_agent_start":
    case "stream_complete":
    case "error":
      return withoutSubAgents(view, event.sub_agent_id)
    default:
      return view
  }
}

/** Removes the waits of one sub-agent, by default those of all. */
export function withoutSubAgents(view: ChatView, subAgentId?: string): ChatView {
  const waits = view.waits.filter(({ sub_agent_id }) => {
    return sub_agent_id === undefined || (subAgentId !== undefined && sub_agent_id !== subAgentId)
  })
  return waits.length === view.waits.length ? view : { ...view, waits }
}
