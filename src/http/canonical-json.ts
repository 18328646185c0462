import type { Json } from "../core/json.ts"

/** One text for equal values, whatever the order of their keys. Absent and undefined members are the same. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, member: Json) => (isObject(member) ? sorted(member) : member))
}

function sorted(object: { readonly [key: string]: Json }): Json {
  const entries = Object.entries(object).sort(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(entries)
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
