import type { ToolResult } from "../../../core/ports/tools/tool.ts"

/** An item of a response's output, in the form of the Responses API. */
export type Item = MessageItem | ReasoningItem | FunctionCallItem | McpCallItem | ApprovalRequestItem

type Status = "in_progress" | "completed" | "incomplete"

export interface MessageItem {
  readonly id: string
  readonly type: "message"
  readonly role: "assistant"
  readonly status: Status
  readonly content: readonly OutputText[]
}

export interface OutputText {
  readonly type: "output_text"
  readonly text: string
  readonly annotations: readonly []
  readonly logprobs: readonly []
}

export interface ReasoningItem {
  readonly id: string
  readonly type: "reasoning"
  readonly status: Status
  readonly summary: readonly SummaryText[]
}

export interface SummaryText {
  readonly type: "summary_text"
  readonly text: string
}

export interface FunctionCallItem {
  readonly id: string
  readonly type: "function_call"
  readonly status: Status
  readonly call_id: string
  readonly name: string
  readonly arguments: string
}

/** A call of one of the agent's own tools. */
export interface McpCallItem {
  readonly id: string
  readonly type: "mcp_call"
  readonly status: Status | "failed"
  readonly name: string
  readonly arguments: string
  readonly server_label: string
  readonly approval_request_id: string | null
  readonly output: string | null
  readonly error: string | null
}

export interface ApprovalRequestItem {
  readonly id: string
  readonly type: "mcp_approval_request"
  readonly name: string
  readonly arguments: string
  readonly server_label: string
}

export function createOutputText(text: string): OutputText {
  return { type: "output_text", text, annotations: [], logprobs: [] }
}

/** Returns the result of a call as the text and the error of its item. */
export function describeResult(result: ToolResult): Pick<McpCallItem, "output" | "error"> {
  switch (result.type) {
    case "json":
      return {
        output: typeof result.value === "string" ? result.value : JSON.stringify(result.value),
        error: null,
      }
    case "content": {
      const texts = result.content.map((part) => (part.type === "text" ? part.text : "[image]"))
      return { output: texts.join("\n"), error: null }
    }
    case "error":
      return { output: null, error: result.message }
    default:
      return result satisfies never
  }
}
