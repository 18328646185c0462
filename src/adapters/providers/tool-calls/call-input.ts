import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"

/** Parses a call's arguments. Returns `{}` and the text if it is not JSON, and only `{}` if it is empty. */
export function callInput(text: string): { readonly input: JsonObject; readonly malformedInput?: string } {
  if (text.trim() === "") return { input: {} }
  const input = parseObject(text)
  return input === null ? { input: {}, malformedInput: text } : { input }
}

/** Parses an object. Null if the text is not JSON, or not an object. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
