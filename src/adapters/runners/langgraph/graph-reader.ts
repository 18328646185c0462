import { GatewayError } from "../../../core/errors.ts"
import type { Json } from "../../../core/json/json.ts"
import type { RunnerEvent, RunnerToolCall } from "../../../core/runs/runner.ts"
import type { Usage } from "../../../core/usage.ts"
import { countOf, type Fields, listOf, parseInput, readFields, readText, toJsonValue } from "../fields.ts"
import type { RunnerOptions } from "../runner-options.ts"
import { toToolResult } from "../tool-result.ts"

export interface Interrupt {
  readonly id: string
  readonly value: Json
}

export interface GraphReader {
  /** Yields the events of one chunk of the graph's stream. */
  readonly read: (chunk: unknown) => Iterable<RunnerEvent>
  readonly interrupts: readonly Interrupt[]
  /** Returns the calls without a result. */
  readonly openCalls: () => readonly RunnerToolCall[]
}

/**
 * Reads the stream modes `messages` and `updates`. A call is reported when the model's whole message has arrived, and
 * a result when its node has ended. `open` are calls of an earlier stream.
 */
export function createGraphReader(options: RunnerOptions, open: readonly RunnerToolCall[]): GraphReader {
  const calls = new Map(open.map((call) => [call.id, call]))
  const reported = new Set(calls.keys())
  const interrupts: Interrupt[] = []

  function* read(chunk: unknown): Iterable<RunnerEvent> {
    const [mode, data] = listOf(chunk).slice(-2)
    if (mode === "messages") yield* readMessage(readFields(listOf(data)[0]), readFields(listOf(data)[1]))
    if (mode === "updates") yield* readUpdates(readFields(data))
  }

  function* readMessage(message: Fields, metadata: Fields): Iterable<RunnerEvent> {
    if (message.type === "tool") yield* readResult(message)
    if (message.type !== "ai") return
    yield* readSpoken(message)
    if (typeof message.usage_metadata === "object") yield createUsageEvent(message, metadata, options)
  }

  function* readUpdates({ __interrupt__: stopped, ...nodes }: Fields): Iterable<RunnerEvent> {
    if (Array.isArray(stopped)) {
      if (stopped.length === 0) throw createBreakpointError()
      for (const { id, value } of stopped.map(readFields)) {
        if (!interrupts.some((known) => known.id === id))
          interrupts.push({ id: String(id), value: toJsonValue(value) })
      }
    }
    for (const update of Object.values(nodes).flat())
      yield* readNewMessages(listOf(readFields(update).messages).map(readFields))
  }

  /** A node may also return the messages that it received, so only the calls of its last response count. */
  function* readNewMessages(messages: readonly Fields[]): Iterable<RunnerEvent> {
    const answer = messages.findLast(({ type }) => type === "ai")
    const answered = new Set(messages.map(({ tool_call_id }) => tool_call_id))
    for (const { id, name, args } of listOf(answer?.tool_calls).map(readFields)) {
      if (!answered.has(id))
        yield* report({ type: "toolCall", id: String(id), name: String(name), input: parseInput(args) })
    }
    for (const message of messages)
      if (message.type === "tool" && calls.has(String(message.tool_call_id))) yield* readResult(message)
  }

  function* readResult({ tool_call_id, name, content, status }: Fields): Iterable<RunnerEvent> {
    const id = String(tool_call_id)
    // The call was made before a crash, and the log has it as interrupted.
    if (!reported.has(id)) yield* report({ type: "toolCall", id, name: readText(name) ?? "tool", input: {} })
    if (!calls.delete(id)) return
    const result = toToolResult(content)
    const message = result.type === "json" ? String(result.value) : "failed"
    yield {
      type: "toolResult",
      id,
      result: status === "error" ? { type: "error", code: "tool_failed", message } : result,
    }
  }

  function* report(call: RunnerToolCall): Iterable<RunnerEvent> {
    if (reported.has(call.id)) return
    reported.add(call.id)
    calls.set(call.id, call)
    yield call
  }

  return { read, interrupts, openCalls: () => [...calls.values()] }
}

/** Yields text and thinking, in the forms of LangChain's integrations. */
function* readSpoken({ content, additional_kwargs }: Fields): Iterable<RunnerEvent> {
  const reasoning = readText(readFields(additional_kwargs).reasoning_content)
  if (reasoning !== undefined) yield { type: "thinking", text: reasoning }
  if (typeof content === "string") yield { type: "text", text: content }
  for (const block of listOf(content).map(readFields)) {
    const thinking = readText(block.thinking) ?? readText(block.reasoning)
    if (block.type === "text") yield { type: "text", text: readText(block.text) ?? "" }
    else if (thinking !== undefined) yield { type: "thinking", text: thinking }
  }
}

function createUsageEvent(
  { usage_metadata, response_metadata }: Fields,
  metadata: Fields,
  options: RunnerOptions,
): RunnerEvent {
  const { priceList } = options
  const model =
    options.model ?? readText(readFields(response_metadata).model_name) ?? readText(metadata.ls_model_name)
  return {
    type: "usage",
    usage: toUsage(readFields(usage_metadata)),
    ...(model === undefined ? {} : { model }),
    ...(priceList === undefined ? {} : { priceList }),
  }
}

function toUsage({ input_tokens, output_tokens, input_token_details }: Fields): Usage {
  const { cache_read, cache_creation } = readFields(input_token_details)
  const [read, written] = [countOf(cache_read), countOf(cache_creation)]
  return {
    inputTokens: Math.max(0, countOf(input_tokens) - read - written),
    outputTokens: countOf(output_tokens),
    cacheCreationInputTokens: written,
    cacheReadInputTokens: read,
  }
}

function createBreakpointError(): GatewayError {
  const message = "The graph stopped at a breakpoint; only interrupt() can be waited for."
  return new GatewayError({ code: "agent_failed", status: 500 }, message)
}
