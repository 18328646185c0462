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
  const expected = Array.from({ length: tokens }, (_, index) => tokenText(index)).join("")
  if (text !== expected) return `${text.length} characters instead of ${expected.length}`
  return lastType === "stream_complete" ? null : `ended with ${lastType || "nothing"}`
}

/**
 * Returns the fault of a stream in a format of which only the tokens' texts are known, or null. A repetition of the
 * whole text at the end is accepted.
 */
export function textFaultOf(chunks: readonly Buffer[], tokens: number): string | null {
  const text = Buffer.concat(chunks).toString()
  let from = 0
  for (let index = 0; index < tokens; index++) {
    const found = text.indexOf(`${tokenText(index)}"`, from)
    if (found === -1) return `token ${index} is missing`
    from = found + 1
  }
  return null
}

function parse(block: string): { readonly id: number; readonly frame: Frame } {
  const lines = block.split("\n")
  const field = (name: string) => lines.find((line) => line.startsWith(name))?.slice(name.length) ?? ""
  return { id: Number(field("id: ") || Number.NaN), frame: JSON.parse(field("data: ")) }
}
