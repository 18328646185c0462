import type { Json } from "./json.ts"

/** Deeper values do not count as plain JSON. */
const maxDepth = 100

/**
 * Returns a copy of the value without undefined fields if JSON represents all the rest exactly. Returns undefined for
 * a value that contains anything else, such as a `Date`, an instance of a class, a function or `NaN`.
 */
export function copyPlainJson(value: unknown, depth = 0): Json | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : undefined
    case "object":
      if (value === null) return null
      if (depth >= maxDepth) return undefined
      return Array.isArray(value) ? copyArray(value, depth) : copyObject(value, depth)
    default:
      return undefined
  }
}

function copyArray(items: readonly unknown[], depth: number): Json | undefined {
  const copies: Json[] = []
  // Also visits the holes of a sparse array.
  for (const item of items) {
    const copy = copyPlainJson(item, depth + 1)
    if (copy === undefined) return undefined
    copies.push(copy)
  }
  return copies
}

function copyObject(value: object, depth: number): Json | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return undefined
  const copies: [string, Json][] = []
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    const copy = copyPlainJson(field, depth + 1)
    if (copy === undefined) return undefined
    copies.push([key, copy])
  }
  // `fromEntries` defines fields where an assignment to `__proto__` would set the prototype.
  return Object.fromEntries(copies)
}
