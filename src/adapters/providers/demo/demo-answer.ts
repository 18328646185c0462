import {
  joinTexts,
  type Message,
  type ModelPart,
  type ModelToolCall,
  type ToolMessage,
  type UserMessage,
} from "../../../core/history/messages.ts"
import { isJsonObject } from "../../../core/json/json.ts"
import type { ModelRequest, ToolSpecification } from "../../../core/ports/model/provider.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { formatErrorCode, isFailure } from "../../../core/tools/tool-result.ts"

const longestEcho = 200
const longestResult = 2000

/** Returns the demo's response to a request: a pure function of the request. */
export function createDemoResponse({ messages, tools }: ModelRequest): readonly ModelPart[] {
  const last = messages.findLast((message) => !isNote(message))
  if (last?.role === "tool") return [{ type: "text", text: tellResults(last, messages) }]
  const message = last?.role === "user" ? joinWords(last) : ""
  const thinking = /^\/think\b\s*/.exec(message)
  if (!thinking) return answer(message, tools)
  const thought =
    "The message begins with /think, so these words stand where a model would show its thinking."
  return [{ type: "thinking", text: thought }, ...answer(message.slice(thinking[0].length), tools)]
}

/** Returns a message's text. If a part of it is a command, leaves out the other parts, such as memories or a state. */
function joinWords({ content }: UserMessage): string {
  const texts = content.map((part) => joinTexts([part]).trim())
  const commands = texts.filter((text) => /^\/(tool|think)\b/.test(text))
  return (commands.length > 0 ? commands : texts).join("\n").trim()
}

/**
 * Returns true for the gateway's note of open background tasks at the end of a request, which is not a message of the
 * user.
 */
function isNote({ role, ...message }: Message): boolean {
  return (
    role === "user" && "content" in message && joinTexts(message.content).startsWith("[Note of the gateway")
  )
}

function answer(message: string, tools: readonly ToolSpecification[]): readonly ModelPart[] {
  if (/^\/tool\b/.test(message)) return parseToolCalls(message, tools)
  const heard = message === "" ? "" : `You said: “${clip(message, longestEcho)}”\n\n`
  return [
    {
      type: "text",
      text:
        `${heard}I am the offline demo, not a model: I only follow a few rules. ${formatToolHelp(tools)} ` +
        "Write /think before a message to see thinking as well. For a real model, set " +
        "ANTHROPIC_API_KEY and start again.",
    },
  ]
}

/** Parses calls. Each line that starts with `/tool` is a call. If one is invalid, none is made. */
function parseToolCalls(message: string, tools: readonly ToolSpecification[]): readonly ModelPart[] {
  const calls: ModelToolCall[] = []
  for (const command of message.split(/^(?=\/tool\b)/m)) {
    const [, name = "", json = ""] = /^\/tool\s*(\S*)\s*(.*)$/s.exec(command) ?? []
    if (!tools.some((tool) => tool.name === name)) {
      const problem = name === "" ? "Which tool?" : `There is no tool “${clip(name, longestEcho)}”.`
      return [{ type: "text", text: `${problem} ${formatToolHelp(tools)}` }]
    }
    const input = parse(json.trim() === "" ? "{}" : json)
    if (!isJsonObject(input)) {
      return [
        { type: "text", text: `The input for ${name} must be one JSON object. ${formatToolHelp(tools)}` },
      ]
    }
    calls.push({ type: "toolCall", name, input })
  }
  return [{ type: "text", text: `Calling ${calls.map((call) => call.name).join(", ")}.` }, ...calls]
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function formatToolHelp(tools: readonly ToolSpecification[]): string {
  if (tools.length === 0) return "This agent has no tools."
  const names = tools.map((tool) => tool.name).join(", ")
  return `This agent's tools: ${names}. I call one when you write: /tool NAME {"its": "input"}.`
}

function tellResults({ results }: ToolMessage, messages: readonly Message[]): string {
  return results
    .map(({ toolCallId, result }) => {
      const name = findToolName(toolCallId, messages)
      const verb = isFailure(result) ? "failed" : "answered"
      return `${name} ${verb}: ${clip(formatResult(result), longestResult)}`
    })
    .join("\n")
}

function findToolName(toolCallId: string, messages: readonly Message[]): string {
  for (const message of messages) {
    if (message.role !== "assistant") continue
    for (const part of message.content) {
      if (part.type === "toolCall" && part.toolCallId === toolCallId) return part.name
    }
  }
  return "The tool"
}

function formatResult(result: ToolResult): string {
  switch (result.type) {
    case "json":
      return typeof result.value === "string" ? result.value : JSON.stringify(result.value)
    case "content":
      return result.content.map((part) => (part.type === "text" ? part.text : "[image]")).join("")
    case "error":
      return `${result.message} (${formatErrorCode(result)})`
    default:
      return result satisfies never
  }
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}
