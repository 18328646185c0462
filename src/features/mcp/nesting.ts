/**
 * Maximum nesting. It is far more than anyone needs, and far less than the depth at which JSON's own functions fail
 * and end the run.
 */
export const deepestLevel = 100

/** Returns true if a value of a server nests objects and arrays deeper than the gateway accepts. Does not recurse. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isNested)
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === deepestLevel) return true
    level = level.flatMap((item) => Object.values(item).filter(isNested))
  }
  return false
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
