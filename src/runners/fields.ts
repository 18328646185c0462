import { isJsonObject, type Json, type JsonObject } from "../core/json/json.ts"

/** Values of a framework, which are read field by field: their types may change. */
export type Fields = Readonly<Record<string, unknown>>

const none: Fields = {}

/** The value's fields; none when it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : none
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

/** 0 for what is no count. */
export function countOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0
}

/**
 * As JSON has it; null for what it has no form for. Throws for what cannot be written, a cycle or a bigint.
 */
export function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? "null") as Json
}

/** The same for what must be an object; anything else becomes one, `{ value }`, and nothing an empty one. */
export function jsonObjectOf(value: unknown): JsonObject {
  const json = jsonOf(value ?? {})
  return isJsonObject(json) ? json : { value: json }
}

/** A call's arguments, also from their text. */
export function inputOf(value: unknown): JsonObject {
  return jsonObjectOf(typeof value === "string" ? parsed(value) : value)
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // A model's broken JSON is shown as it is; the framework tells the model.
    return text
  }
}
