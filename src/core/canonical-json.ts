import type { Json } from "./json.ts"

/**
 * Returns the same text for equal values, whatever the order of their keys, as RFC 8785 defines it: no white space, keys in
 * the order of their UTF-16 code units, numbers and strings as ECMAScript writes them. Members that are `undefined` count
 * as absent. A lone surrogate, which RFC 8785 refuses, is written as its `\u` escape, which no other text is written as.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null)
  // `sort` compares code units. The text is joined by hand, because an object would move keys such as "10" to its front.
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(",")}}`
}
