import type { Json } from "../json/json.ts"

/** Values that others have written, such as tools or users, as a part of a text for a model. */
export interface DataBlock {
  /** Name of the block: lower-case letters and `_`. */
  readonly name: string
  /** Sentence of the gateway or of a plugin about the values. The model reads it at the start of the block. */
  readonly note: string
  readonly values: readonly Json[]
}

/**
 * Returns the block as a text for a model. Each value is one line, written by `toDataLine`, so no text in a value can
 * end the block or look like text outside it.
 */
export function writeDataBlock({ name, note, values }: DataBlock): string {
  return frameDataLines({ name, note, lines: values.map(toDataLine) })
}

/** Returns a block of lines that `toDataLine` wrote. */
export function frameDataLines({
  name,
  note,
  lines,
}: Pick<DataBlock, "name" | "note"> & { readonly lines: readonly string[] }): string {
  return [`<${name}>`, note, ...lines, `</${name}>`].join("\n")
}

/** Returns a value as one line of JSON without angle brackets and without any character that may start a line. */
export function toDataLine(value: Json): string {
  return JSON.stringify(value).replace(framing, escapeCharacter)
}

/** Angle brackets, control characters that JSON leaves as they are, and the line separators of Unicode. */
const framing = /[<>\u007f-\u009f\u2028\u2029]/g

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
}
