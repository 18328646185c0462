import type { Content } from "../../core/ports/store/contents.ts"
import { readResultName } from "./read-result-tool.ts"

/** Maximum bytes of a large result in the conversation until the model reads more. */
const maxPreviewBytes = 3_600
/** Bytes of the note between the beginning and the end. */
const noteBytes = 500
const headShare = 0.7

/** Returns the preview of a large result for the model: its beginning, its end, its size and how to read the rest. */
export function createPreview({ id, bytes, chunks }: Content, kind: string, maxBytes: number): string {
  const room = Math.min(maxPreviewBytes, maxBytes) - noteBytes
  const headBytes = Math.floor(room * headShare)
  const head = startOf(Buffer.from(chunks[0] ?? []).subarray(0, headBytes), headBytes)
  const tail = endOf(Buffer.concat(chunks.slice(-2)), room - headBytes)
  return (
    `[This result is too large to show: ${bytes} bytes of ${kind}. Its beginning and its end are shown. To read more, ` +
    `call ${readResultName} with id ${JSON.stringify(id)} and an offset, a text to search, or a JSON Pointer.]\n` +
    `${head}\n[…]\n${tail}`
  )
}

/** Returns the longest beginning of the text whose JSON has at most `maxBytes` bytes. */
function startOf(bytes: Buffer, maxBytes: number): string {
  let text = new TextDecoder().decode(bytes, { stream: true })
  for (let excess = computeExcess(text, maxBytes); excess > 0; excess = computeExcess(text, maxBytes))
    text = text.slice(0, -Math.max(1, Math.ceil(excess / 6))).toWellFormed()
  return text
}

function endOf(bytes: Buffer, maxBytes: number): string {
  let start = Math.max(0, bytes.length - maxBytes)
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1
  let text = bytes.subarray(start).toString("utf8")
  for (let excess = computeExcess(text, maxBytes); excess > 0; excess = computeExcess(text, maxBytes))
    text = text.slice(Math.max(1, Math.ceil(excess / 6))).toWellFormed()
  return text
}

function computeExcess(text: string, maxBytes: number): number {
  return text === "" ? 0 : Buffer.byteLength(JSON.stringify(text)) - 2 - maxBytes
}
