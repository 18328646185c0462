import type { Json, JsonObject } from "../../src/core/json/json.ts"
import type { UpstreamRequest } from "../../src/testing/provider/scripted-upstream.ts"

/** A request to the model, as a script sees it. */
export interface ModelRequest {
  /** The task in the first message if the request is of a sub-agent, otherwise null. */
  readonly task: string | null
  /** JSON of the last message. */
  readonly lastText: string
  /** Number of responses of the model since the last message of the user. */
  readonly step: number
}

/** Requests in their order, by conversation: `agent` and `sub-agent: TASK`. */
export type RequestsByConversation = Readonly<Record<string, readonly Json[]>>

interface Message {
  readonly role: string
  readonly content: string | readonly JsonObject[]
}

export function readModelRequest({ body }: UpstreamRequest, tasks: readonly string[] = []): ModelRequest {
  const { messages } = body as { readonly messages: readonly Message[] }
  const first = JSON.stringify(messages[0])
  const asked = messages.findLastIndex(({ role, content }) => role === "user" && !hasToolResult(content))
  return {
    task: tasks.find((task) => first.includes(task)) ?? null,
    lastText: JSON.stringify(messages.at(-1)),
    step: messages.slice(asked).filter(({ role }) => role === "assistant").length,
  }
}

function hasToolResult(content: Message["content"]): boolean {
  return typeof content !== "string" && content.some(({ type }) => type === "tool_result")
}

/**
 * Returns the requests in a form in which equal requests have equal values: without random values, and with one form
 * for everything that the API accepts in several forms. Sub-agents work at the same time, so each has its own list.
 */
export function normalizeRequests(
  requests: readonly UpstreamRequest[],
  { folder, tasks }: { readonly folder: string; readonly tasks?: readonly string[] | undefined },
): RequestsByConversation {
  const nameOf = (request: UpstreamRequest) => {
    const { task } = readModelRequest(request, tasks)
    return task === null ? "agent" : `sub-agent: ${task}`
  }
  const byName = Object.groupBy(requests, nameOf)
  const names = Object.keys(byName).toSorted()
  return Object.fromEntries(
    names.map((name) => [name, (byName[name] ?? []).map((request) => normalizeRequest(request, folder))]),
  )
}

function normalizeRequest({ path, headers, body }: UpstreamRequest, folder: string): Json {
  const { tools = [], ...rest } = body as { readonly tools?: readonly JsonObject[] }
  const beta = headers["anthropic-beta"]
  return {
    path,
    ...(beta !== undefined && { beta: String(beta) }),
    ...(normalize(rest, folder) as JsonObject),
    tools: Object.fromEntries(tools.map(({ name, ...each }) => [String(name), normalize(each, folder)])),
  }
}

function normalize(value: Json, folder: string): Json {
  if (typeof value === "string") return normalizeText(value, folder)
  if (Array.isArray(value)) return value.map((each) => normalize(each, folder))
  if (typeof value !== "object" || value === null) return value
  const members = Object.entries(value)
    .filter(([name, each]) => each !== null && !(name === "is_error" && each === false))
    .map(([name, each]) => [name, normalizeMember(name, each, folder)] as const)
  return Object.fromEntries(members)
}

function normalizeMember(name: string, value: Json, folder: string): Json {
  if (name === "duration_ms" || name === "elapsed_seconds") return "<number>"
  if (name === "data" && typeof value === "string") return "<image>"
  if (name !== "content") return normalize(value, folder)
  const blocks = typeof value === "string" ? [{ type: "text", text: value }] : value
  return Array.isArray(blocks)
    ? blocks.map((block) => normalizeBlock(block, folder))
    : normalize(value, folder)
}

/** Parses a text that is JSON, as results of tools are. Its spaces mean nothing to a model. */
function normalizeBlock(block: JsonObject, folder: string): Json {
  const { text } = block
  if (typeof text !== "string" || !/^[[{]/.test(text)) return normalize(block, folder)
  try {
    return { ...(normalize(block, folder) as JsonObject), text: normalize(JSON.parse(text), folder) }
  } catch (error) {
    if (error instanceof SyntaxError) return normalize(block, folder)
    throw error
  }
}

function normalizeText(text: string, folder: string): string {
  return text
    .replaceAll(folder, "<folder>")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?/g, "<time>")
    .replaceAll(/\d{4}-\d\d-\d\d/g, "<date>")
    .replaceAll(/\b(bg_\d+|task_[0-9A-Za-z]{8,})\b/g, "<task>")
    .replaceAll(/\/tmp\/code_exec_\w+\/_code_execute_\w+\.py/g, "<file>")
}
