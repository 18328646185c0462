import { isJsonObject, type Json } from "../../../core/json/json.ts"

/**
 * Returns true if the value's JSON has more than `max` characters. A longer string takes no longer than one of `max`
 * characters.
 */
export function isLongerThan(max: number, value: Json): boolean {
  return countCharacters(value, max) > max || JSON.stringify(value).length > max
}

/** Counts characters until the count exceeds `max`. The JSON of a value is at least that long. */
function countCharacters(value: Json, max: number): number {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null) return 0
  let count = 0
  if (isJsonObject(value)) {
    // With thousands of members, `Object.entries` takes three times as long.
    for (const key of Object.keys(value)) {
      count += key.length + countCharacters(value[key] ?? null, max - count)
      if (count > max) break
    }
    return count
  }
  for (const element of value) {
    count += countCharacters(element, max - count)
    if (count > max) break
  }
  return count
}
