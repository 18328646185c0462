import type { Frame } from "../../http/streams/wire.ts"

/** A member of an event of OpenAI's protocols, in its JSON form. */
export type Fields = Readonly<Record<string, unknown>>

/** Returns an event of a response's stream. Its number is its last member, where `readNumber` finds it. */
export function writeEvent(type: string, fields: Fields, number: number): Frame {
  return finishEvent(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields }).slice(0, -1)}`, number)
}

/** Returns the beginning of an event up to the value of its member `delta`, which is its last but one. */
export function beginDelta(type: string, fields: Fields): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields }).slice(0, -1)},"delta":`
}

/** Writes an event with the text. This is the hot path: it runs once for each token. */
export function finishDelta(beginning: string, text: string, number: number): Frame {
  return finishEvent(beginning + JSON.stringify(text), number)
}

function finishEvent(beginning: string, number: number): Frame {
  return `${beginning},"sequence_number":${number}}\n\n`
}

/**
 * Returns the event as a subscriber receives it that has all up to this number. Null if the subscriber has it. Numbers
 * count characters, so of a longer delta than the subscriber knows, only the rest is sent.
 */
export function continueAfter(frame: Frame, number: number): Frame | null {
  const last = readNumber(frame)
  if (last <= number) return null
  // An event far after the number cannot have a delta that begins before it.
  if (last - number >= frame.length) return frame
  const { delta, sequence_number, ...fields } = JSON.parse(frame.slice(frame.indexOf("{"))) as DeltaEvent
  if (!isTextDelta(fields.type) || delta === undefined) return frame
  const known = delta.length - (last - number)
  if (known <= 0) return frame
  const { type, ...rest } = fields
  return finishDelta(beginDelta(type, rest), delta.slice(known), last)
}

interface DeltaEvent {
  readonly type: string
  readonly sequence_number: number
  readonly delta?: string
}

function isTextDelta(type: string): boolean {
  return type === "response.output_text.delta" || type === "response.reasoning_summary_text.delta"
}

const numberMember = '"sequence_number":'

/** Returns the number of an event that this module wrote. */
function readNumber(frame: Frame): number {
  return Number.parseInt(frame.slice(frame.lastIndexOf(numberMember) + numberMember.length), 10)
}
