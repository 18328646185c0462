import type { AssistantPart, Message } from "../../core/messages.ts"
import type { Wait } from "../../core/ports/approvals.ts"
import type { History } from "../../sessions/sessions.ts"
import type { HistoryMessage, HistoryResponse, Pending, PendingCall } from "../schemas/history.ts"
import { unixSeconds, wireContent, wireQuestion, wireToolOutcome, wireUsage } from "./content.ts"

type HistoryBlock = HistoryMessage["content"][number]

/** A session as a client redraws it. What only a model's vendor understands stays here. */
export function wireHistory({ messages, spent, openWaits, activeRun, lastSeq }: History): HistoryResponse {
  return {
    messages: messages.map(wireMessage),
    pending_approvals: openWaits
      .filter(({ kind }) => kind === "approval")
      .map((wait) => ({
        ...pendingCall(wait),
        server: wait.origin?.server ?? null,
        resolved_qualifier: wait.qualifier,
        reason: wait.reason,
      })),
    pending_tool_calls: openWaits.filter(({ kind }) => kind === "clientTool").map(pendingCall),
    pending_elicitations: openWaits.flatMap((wait) =>
      wait.question === undefined
        ? []
        : [{ ...pending(wait), server: wait.origin?.server ?? null, ...wireQuestion(wait.question) }],
    ),
    active_run: activeRun === null ? null : { run_id: activeRun.id, cursor: activeRun.cursor },
    usage: wireUsage(spent),
    last_seq: lastSeq,
  }
}

function pending({ toolCallId, nonce, expiresAt, toolName }: Wait): Pending {
  return { tool_call_id: toolCallId, nonce, expires_at: unixSeconds(expiresAt), tool_name: toolName }
}

function pendingCall(wait: Wait): PendingCall {
  return { ...pending(wait), tool_input: wait.input }
}

function wireMessage(message: Message): HistoryMessage {
  switch (message.role) {
    case "user":
    case "system":
      return { role: message.role, content: message.content.map(wireContent) }
    case "assistant":
      return { role: message.role, content: message.content.flatMap(assistantBlock) }
    case "tool":
      return {
        role: message.role,
        content: message.results.map(({ toolCallId, result }) => {
          return { type: "tool_result", tool_call_id: toolCallId, ...wireToolOutcome(result) }
        }),
      }
    default:
      return message satisfies never
  }
}

function assistantBlock(part: AssistantPart): HistoryBlock[] {
  switch (part.type) {
    case "text":
      return [wireContent(part)]
    case "thinking":
      return [{ type: "thinking", text: part.text }]
    case "toolCall":
      return [
        { type: "tool_call", tool_call_id: part.toolCallId, tool_name: part.name, tool_input: part.input },
      ]
    case "opaque":
      return []
    default:
      return part satisfies never
  }
}
