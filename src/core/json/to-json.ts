import { GatewayError } from "../errors.ts"
import type { Json } from "./json.ts"

/** Deeper values are refused. No client or model can use them, and every reader would have to recurse. */
const maxDepth = 100
/** Maximum length of a path in a message. The path of a cycle repeats itself. */
const maxPathLength = 80

/**
 * Copies `value` as JSON represents it. `toJSON` is honored, so a `Date` becomes a string. Undefined fields are left
 * out, and a lone `undefined` becomes null. Values that JSON would silently lose (functions, symbols, NaN, Map, Set,
 * bytes) or cannot hold (bigint, cycles) are refused with their path. `subject` starts the error message.
 */
export function toJson(value: unknown, subject: string): Json {
  return copy(value, { subject, path: "", key: "", depth: 0 })
}

interface Place {
  readonly subject: string
  readonly path: string
  readonly key: string
  readonly depth: number
}

function copy(value: unknown, place: Place): Json {
  if (place.depth > maxDepth) refuse(place, `is nested deeper than ${maxDepth} levels, or in itself`)
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : refuse(place, `is ${value}, which JSON cannot hold`)
    case "undefined":
      return null
    case "bigint":
    case "function":
    case "symbol":
      return refuse(place, `is a ${typeof value}, which JSON cannot hold`)
    case "object":
      return value === null ? null : copyObject(value, place)
  }
}

function copyObject(value: object, place: Place): Json {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return refuse(place, "is binary data: encode it as base64 text")
  }
  if (value instanceof Map || value instanceof Set) {
    return refuse(place, `is a ${value instanceof Map ? "Map" : "Set"}: make it an object or an array`)
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return copy(value.toJSON(place.key), { ...place, depth: place.depth + 1 })
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => copy(item, enterPlace(place, String(index), `[${index}]`)))
  }
  // `fromEntries` defines fields where an assignment to `__proto__` would set the prototype.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, copy(item, enterPlace(place, key, `.${key}`))]),
  )
}

function enterPlace(place: Place, key: string, step: string): Place {
  return { subject: place.subject, path: place.path + step, key, depth: place.depth + 1 }
}

function refuse(place: Place, reason: string): never {
  const { path } = place
  const shown = path.length > maxPathLength ? `${path.slice(0, maxPathLength)}…` : path
  const where = path === "" ? "" : ` at ${shown}`
  throw new GatewayError({ code: "not_json", status: 500 }, `${place.subject}${where} ${reason}.`)
}
