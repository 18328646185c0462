import { isJsonObject, type Json, type JsonObject } from "../../core/json/json.ts"

/** Values of a framework, which are read field by field, because their types may change. */
export type Fields = Readonly<Record<string, unknown>>

const none: Fields = {}

/** Returns the value's fields. Returns none if it is not an object. */
export function readFields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : none
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function readText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Returns a count. Returns 0 if the value is not a count. */
export function countOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0
}

/** Returns the value as JSON. Null for values that JSON cannot represent. Throws for a cycle or a bigint. */
export function toJsonValue(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? "null") as Json
}

/** Returns an object. Another value becomes `{ value }`, and a missing one an empty object. */
export function toJsonObject(value: unknown): JsonObject {
  const json = toJsonValue(value ?? {})
  return isJsonObject(json) ? json : { value: json }
}

/** Returns a call's arguments, which may be given as text. */
export function parseInput(value: unknown): JsonObject {
  return toJsonObject(typeof value === "string" ? parseText(value) : value)
}

function parseText(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // A model's invalid JSON is shown unchanged. The framework reports the error to the model.
    return text
  }
}
