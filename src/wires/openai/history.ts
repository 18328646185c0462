import type { AssistantPart, ContentPart, Message } from "../../core/history/messages.ts"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"

/**
 * Builds a conversation that a client sent. Each response with calls is followed by a result for each of them, as
 * providers require. The ids of calls are replaced, because clients may send any text as an id.
 */
export class ClientHistory {
  readonly messages: Message[] = []
  #response: AssistantPart[] = []
  /** The new ids of the calls of the response, by the client's ids. */
  #calls = new Map<string, string>()
  readonly #results = new Map<string, ToolResult>()
  #count = 0

  addUser(content: readonly ContentPart[]): void {
    this.finish()
    if (content.length > 0) this.messages.push({ role: "user", content })
  }

  addText(text: string): void {
    if (this.#results.size > 0) this.finish()
    if (text !== "") this.#response.push({ type: "text", text })
  }

  addCall(id: string, name: string, input: string): void {
    if (this.#results.size > 0) this.finish()
    const toolCallId = `call_client_${++this.#count}`
    this.#calls.set(id, toolCallId)
    this.#response.push({ type: "toolCall", toolCallId, name, input: parseInput(input) })
  }

  /** A result for a call that the client did not send is left out. */
  addResult(id: string, result: ToolResult): void {
    const toolCallId = this.#calls.get(id)
    if (toolCallId !== undefined) this.#results.set(toolCallId, result)
  }

  /** Must be called after the last part. */
  finish(): readonly Message[] {
    if (this.#response.length > 0) this.messages.push({ role: "assistant", content: this.#response })
    const calls = this.#response.flatMap((part) => (part.type === "toolCall" ? [part.toolCallId] : []))
    const results = calls.map((toolCallId) => {
      return { toolCallId, result: this.#results.get(toolCallId) ?? noResult }
    })
    if (results.length > 0) this.messages.push({ role: "tool", results })
    this.#response = []
    this.#calls = new Map()
    this.#results.clear()
    return this.messages
  }
}

const noResult: ToolResult = {
  type: "error",
  code: "no_result",
  message: "The client sent no result of this call.",
}

function parseInput(text: string): JsonObject {
  try {
    const input: unknown = JSON.parse(text)
    return isJsonObject(input) ? input : {}
  } catch {
    // A model of another service wrote it.
    return {}
  }
}
