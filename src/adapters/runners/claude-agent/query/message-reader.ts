import type { RunnerEvent } from "../../../../core/runs/runner.ts"
import { noUsage, type Usage } from "../../../../core/usage.ts"
import { countOf, type Fields, listOf, readFields, readText } from "../../fields.ts"
import { toToolResult } from "../../tool-result.ts"
import { callOf, type SdkCall } from "../calls/call-gate.ts"
import { add, compareUsage, toUsage } from "./usage.ts"

/** A step of a query, as read from the SDK's messages. */
export type Step =
  | { readonly type: "event"; readonly event: RunnerEvent }
  /** The model has requested the call. The message with the call may not be complete yet. */
  | { readonly type: "seen"; readonly call: SdkCall }
  /** All calls of one message of the model. `nested` is true for those of a sub-agent of Claude Code. */
  | { readonly type: "calls"; readonly calls: readonly SdkCall[]; readonly nested: boolean }
  /** Calls of a message that Claude Code discards. */
  | { readonly type: "discarded"; readonly calls: readonly SdkCall[] }
  | { readonly type: "result"; readonly result: QueryEnd }

export interface QueryEnd {
  /** Null if the query succeeded. */
  readonly failure: QueryFailure | null
  /** The SDK's reason of the end, such as `tool_deferred`, `tool_deferred_unavailable` or `completed`. */
  readonly reason: string
  /** Number of queued messages with which Claude Code continues by itself. */
  readonly queued: number
  /** US dollars since the previous result, as the SDK estimates them. */
  readonly costUsd: number
  /** Number of model calls since the previous result. */
  readonly turns: number
}

export interface QueryFailure {
  /** The SDK's name of the failure. */
  readonly kind: string
  /** HTTP status of the provider, if the provider was the cause. */
  readonly status: number | undefined
  readonly detail: string
}

interface OpenMessage {
  readonly id: string
  readonly model: string
  usage: Fields
  readonly calls: SdkCall[]
}

/** Reads the messages of one query. Validates their form, because the SDK's types do not guarantee it. */
export function createMessageReader(priceList: string) {
  let open: OpenMessage | null = null
  /** Id of the message that was streamed last. Its complete form arrives in pieces as well. */
  let streamedId: string | null = null
  /** Calls of messages that are not streamed: of the main conversation in `loose`, and of sub-agents in `nested`. */
  let loose: SdkCall[] = []
  let nested: SdkCall[] = []
  let countedId: string | null = null
  let failedWith: string | null = null
  /** Usage by model since the previous result. */
  let countedUsage = new Map<string, Usage>()
  let turns = 0

  function count(model: string, usage: Usage): RunnerEvent {
    countedUsage.set(model, add(countedUsage.get(model) ?? noUsage, usage))
    return { type: "usage", usage, model, priceList }
  }

  function readEnd(result: Fields): readonly Step[] {
    const { rest, costUsd } = compareUsage(result, countedUsage)
    const end = { ...endOf(result, failedWith), costUsd, turns }
    countedUsage = new Map()
    turns = 0
    const spent =
      rest === null ? [] : [{ type: "event", event: { type: "usage", ...rest, priceList } } as const]
    return [...spent, { type: "result", result: end }]
  }

  function read(message: object): readonly Step[] {
    const { type, parent_tool_use_id: parent, event, message: body } = readFields(message)
    const isNested = typeof parent === "string"
    switch (type) {
      case "stream_event":
        return isNested ? [] : readStreamEvent(readFields(event))
      case "assistant":
        failedWith = readText(readFields(message).error) ?? failedWith
        return readComplete(readFields(body), isNested)
      case "user":
        return readResults(readFields(body).content)
      case "result":
        return readEnd(readFields(message))
      default:
        return []
    }
  }

  function readStreamEvent(event: Fields): readonly Step[] {
    switch (event.type) {
      case "message_start": {
        const { id, model, usage } = readFields(event.message)
        const steps = discardOpen()
        streamedId = String(id)
        open = { id: streamedId, model: String(model), usage: readFields(usage), calls: [] }
        return steps
      }
      case "content_block_delta":
        return readDelta(readFields(event.delta))
      case "message_delta":
        if (open !== null) open.usage = { ...open.usage, ...removeUndefined(readFields(event.usage)) }
        return []
      case "message_stop": {
        if (open === null) return []
        const { model, usage, calls } = open
        open = null
        turns += 1
        return [{ type: "event", event: count(model, toUsage(usage)) }, ...createCallsStep(calls, false)]
      }
      default:
        return []
    }
  }

  function readComplete({ id, model, content, usage }: Fields, isNested: boolean): readonly Step[] {
    // Messages that Claude Code creates itself, for example about a failed model call, are not responses.
    if (model === "<synthetic>") return []
    const calls = listOf(content)
      .map(readFields)
      .filter(({ type }) => type === "tool_use")
      .map(callOf)
    const seen = calls.map((call) => ({ type: "seen", call }) as const)
    if (isNested) {
      nested.push(...calls)
      return seen
    }
    if (id === streamedId) {
      open?.calls.push(...calls)
      return seen
    }
    loose.push(...calls)
    const spent = countedId === id ? [] : [count(String(model), toUsage(readFields(usage)))]
    if (countedId !== id) turns += 1
    countedId = String(id)
    const said = listOf(content).flatMap((block) => toSaidEvents(readFields(block)))
    return [...[...said, ...spent].map((event) => ({ type: "event", event }) as const), ...seen]
  }

  /** Returns the calls of messages that have no end of their own. Must be called when no more output is available. */
  function flush(): readonly Step[] {
    const steps = [...createCallsStep(loose, false), ...createCallsStep(nested, true)]
    loose = []
    nested = []
    return steps
  }

  function discardOpen(): readonly Step[] {
    const calls = open?.calls ?? []
    open = null
    return calls.length === 0 ? [] : [{ type: "discarded", calls }]
  }

  return { read, flush, discardOpen }
}

function createCallsStep(calls: readonly SdkCall[], nested: boolean): readonly Step[] {
  return calls.length === 0 ? [] : [{ type: "calls", calls: [...calls], nested }]
}

function readDelta({ type, text, thinking }: Fields): readonly Step[] {
  if (type === "text_delta") return createSaidStep("text", text)
  return type === "thinking_delta" ? createSaidStep("thinking", thinking) : []
}

function createSaidStep(type: "text" | "thinking", text: unknown): readonly Step[] {
  const value = readText(text)
  return value === undefined ? [] : [{ type: "event", event: { type, text: value } }]
}

function toSaidEvents({ type, text, thinking }: Fields): readonly RunnerEvent[] {
  const value = readText(type === "text" ? text : type === "thinking" ? thinking : undefined)
  return value === undefined ? [] : [{ type: type === "text" ? "text" : "thinking", text: value }]
}

function readResults(content: unknown): readonly Step[] {
  return listOf(content)
    .map(readFields)
    .filter((block) => block.type === "tool_result")
    .map(({ tool_use_id, content: output, is_error }) => {
      const text = typeof output === "string" ? output : joinBlocks(output)
      const result =
        is_error === true
          ? ({ type: "error", code: "tool_failed", message: text } as const)
          : toToolResult(text)
      return { type: "event", event: { type: "toolResult", id: String(tool_use_id), result } }
    })
}

function joinBlocks(blocks: unknown): string {
  return listOf(blocks)
    .map(readFields)
    .map(({ type, text }) => (type === "text" ? String(text) : `[${String(type)}]`))
    .join("\n")
}

function endOf(result: Fields, failedWith: string | null): Pick<QueryEnd, "failure" | "reason" | "queued"> {
  const { subtype, is_error, api_error_status: status, errors, result: text } = result
  const reason = readText(result.terminal_reason) ?? ""
  const hasFailed = subtype !== "success" || (is_error === true && reason !== "tool_deferred_unavailable")
  const failure: QueryFailure | null = hasFailed
    ? {
        kind: subtype === "success" ? (failedWith ?? "error") : String(subtype),
        status: typeof status === "number" ? status : undefined,
        detail: readText(text) ?? listOf(errors).join("\n"),
      }
    : null
  return { failure, reason, queued: countOf(result.queued_turn_count) }
}

function removeUndefined(usage: Fields): Fields {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => typeof value === "number"))
}
