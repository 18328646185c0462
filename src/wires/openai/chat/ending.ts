import type { JsonObject } from "../../../core/json/json.ts"
import type { TerminalEvent } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { Usage } from "../../../core/usage.ts"
import { countTokens } from "../count-tokens.ts"

/** The end of a completion. */
export type ChatEnd =
  | {
      readonly type: "finished"
      readonly reason: "stop" | "length" | "tool_calls" | "content_filter"
      /** The last text. Usually empty. */
      readonly text: string
    }
  | { readonly type: "failed"; readonly code: string; readonly message: string }

export function describeEnd(event: TerminalEvent): ChatEnd {
  if (event.type === "runCompleted") {
    const { disposition, reason } = event
    if (reason === "client_tools") return { type: "finished", reason: "tool_calls", text: "" }
    const isWhole = disposition === "completed" || reason === "cancelled"
    return { type: "finished", reason: isWhole ? "stop" : "length", text: "" }
  }
  const { code, message } = event
  if (code === "content_filtered") return { type: "finished", reason: "content_filter", text: "" }
  if (code === "model_refused") return { type: "finished", reason: "stop", text: message }
  return { type: "failed", code, message }
}

/** The protocol has no question to a person, so a completion that needs one ends with a sentence. */
export function describeWaits(waits: readonly Wait[]): ChatEnd {
  const wait = waits.find(({ kind }) => kind !== "clientTool")
  // The run is about to hand the calls over.
  if (wait === undefined) return { type: "finished", reason: "tool_calls", text: "" }
  return { type: "finished", reason: "stop", text: describeWait(wait) }
}

function describeWait(wait: Wait): string {
  const { toolName } = wait
  if (wait.kind === "elicitation")
    return `The tool ${toolName} asks: ${wait.payload.question.message} Answer in the gateway's console.`
  return (
    `A person must allow the call of ${toolName} before it runs. ` +
    "Allow it in the gateway's console, or with `agent-gateway approvals`."
  )
}

export function toChatUsage(usage: Usage): JsonObject {
  const { input, output, total, reasoning } = countTokens(usage)
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: usage.cacheReadInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
