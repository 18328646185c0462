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

const numberMember = '"sequence_number":'

/** Returns the number of an event that this module wrote. */
export function readNumber(frame: Frame): number {
  return Number.parseInt(frame.slice(frame.lastIndexOf(numberMember) + numberMember.length), 10)
}
