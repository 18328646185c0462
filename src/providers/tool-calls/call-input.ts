import { isJsonObject, type JsonObject } from "../../core/json/json.ts"

/** Returns a call's arguments as JSON; `{}` and their text if they are no JSON, `{}` alone for no text. */
export function callInput(text: string): { readonly input: JsonObject; readonly malformedInput?: string } {
  if (text.trim() === "") return { input: {} }
  const input = parseObject(text)
  return input === null ? { input: {}, malformedInput: text } : { input }
}

/** Null for what is no JSON, or no object. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
