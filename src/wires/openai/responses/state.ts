import type { JsonObject } from "../../../core/json/json.ts"
import type { RunStarted, ToolCallRequested } from "../../../core/log/entries.ts"
import { noUsage, type Usage } from "../../../core/usage.ts"
import { formatResponseId, type ResponsePlace } from "../ids.ts"
import type { Item, McpCallItem } from "./items.ts"

/** A response as its subscriber has it. */
export interface ResponseState {
  readonly place: ResponsePlace
  /** `before`: the run has not reached the segment of the response. */
  readonly phase: "before" | "open" | "over"
  /** Null before the start of the run. */
  readonly started: RunStarted | null
  /** The segment before this one. Undefined in the first segment of a run. */
  readonly previousSegment: string | null | undefined
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** Time of the last event of the log, in seconds since the Unix epoch. */
  readonly lastAt: number
  /** Number of the last event. */
  readonly number: number
  readonly attempt: Attempt
  /** Position of the next item. */
  readonly nextIndex: number
  readonly output: readonly { readonly index: number; readonly item: Item }[]
  /** Calls without a result, by id. */
  readonly calls: ReadonlyMap<string, OpenCall>
  readonly usage: Usage
  /** The last response object, which ended the stream. Null before that. */
  readonly final: JsonObject | null
}

/** One try of a model call. */
interface Attempt {
  /** Number of the last event before it. */
  readonly base: number
  /** Characters of all parts so far. */
  readonly characters: number
  readonly parts: readonly OpenPart[]
}

/** A part of the model's message that is being streamed. */
export interface OpenPart {
  /** Its index in the message. */
  readonly part: number
  readonly type: "text" | "thinking"
  readonly itemId: string
  readonly index: number
  readonly characters: number
  /** The beginning of its events with text. */
  readonly delta: string
}

export interface OpenCall {
  readonly requested: ToolCallRequested
  /** The item of a started call of the agent's own tool. */
  readonly item: { readonly index: number; readonly item: McpCallItem } | null
  readonly approvalId: string | null
}

export function startResponse(place: ResponsePlace): ResponseState {
  return {
    place,
    phase: "before",
    started: null,
    previousSegment: place.segment === null ? undefined : null,
    createdAt: 0,
    lastAt: 0,
    number: -1,
    attempt: { base: -1, characters: 0, parts: [] },
    nextIndex: 0,
    output: [],
    calls: new Map(),
    usage: noUsage,
    final: null,
  }
}

export function isSameResponse(one: ResponseState, other: ResponseState): boolean {
  return (
    one.number === other.number &&
    one.phase === other.phase &&
    formatResponseId(one.place) === formatResponseId(other.place)
  )
}
