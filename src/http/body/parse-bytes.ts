/** The result of parsing a text. The caller may use the bytes again. */
export type ParsedJson =
  | { readonly type: "value"; readonly value: unknown; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "malformed"; readonly reason: "utf8" | "json" }

/** Parses JSON in UTF-8. */
export function parseBytes(bytes: Uint8Array<ArrayBuffer>): ParsedJson {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return { type: "malformed", reason: "utf8" }
  }
  try {
    return { type: "value", value: JSON.parse(text), bytes }
  } catch {
    return { type: "malformed", reason: "json" }
  }
}
