import { tokenText } from "../script.ts"

interface Frame {
  readonly type: string
  readonly text?: string
}

/**
 * Returns the fault of a stream in the gateway's format, or null. A correct stream contains every token once, in
 * order, with growing ids.
 */
export function faultOf(chunks: readonly Buffer[], tokens: number): string | null {
  let text = ""
  let lastId = -1
  let lastType = ""
  for (const block of Buffer.concat(chunks).toString().split("\n\n")) {
    if (block === "") continue
    const { id, frame } = parse(block)
    if (frame.type === "heartbeat") continue
    if (!(id > lastId)) return `id ${id} after ${lastId}`
    lastId = id
    lastType = frame.type
    if (frame.type === "text_delta") text += frame.text
  }
  const expected = expectedText(tokens)
  if (text !== expected) return `${text.length} characters instead of ${expected.length}`
  return lastType === "stream_complete" ? null : `ended with ${lastType || "nothing"}`
}

/**
 * Returns the fault of a stream in a format of which only the tokens' texts are known, or null. The server may join
 * tokens, and may repeat the whole text at the end.
 */
export function textFaultOf(chunks: readonly Buffer[], tokens: number): string | null {
  const pieces = Buffer.concat(chunks)
    .toString()
    .matchAll(/"( word\d[^"]*)"/g)
  const text = [...pieces].map(([, piece]) => piece).join("")
  const expected = expectedText(tokens)
  return text.startsWith(expected) ? null : `it starts with ${JSON.stringify(text.slice(0, 50))}`
}

function expectedText(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => tokenText(index)).join("")
}

function parse(block: string): { readonly id: number; readonly frame: Frame } {
  const lines = block.split("\n")
  const field = (name: string) => lines.find((line) => line.startsWith(name))?.slice(name.length) ?? ""
  return { id: Number(field("id: ") || Number.NaN), frame: JSON.parse(field("data: ")) }
}
