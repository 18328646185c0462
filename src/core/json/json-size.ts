/**
 * Estimates the number of characters of a value as JSON, without making that text: escapes are not counted. Takes
 * objects as TypeScript knows them, so that callers need not convert what they are about to store.
 */
export function jsonSize(value: unknown): number {
  if (typeof value === "string") return value.length + 2
  if (typeof value !== "object" || value === null) return 4
  let size = 2
  if (Array.isArray(value)) {
    for (const item of value) size += jsonSize(item) + 1
    return size
  }
  for (const [key, member] of Object.entries(value)) size += key.length + 4 + jsonSize(member)
  return size
}
