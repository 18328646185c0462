import { plainName } from "./redact.ts"
import { withoutSecrets } from "./redact-text.ts"

/** Stands for what is not shown. */
export const redacted = "[redacted]"

/** A copy of a JSON value of the same shape, in which secrets are not shown. */
export type Mask = <Value>(value: Value) => Value

/**
 * Makes a function that masks texts: whole ones that are members with one of these names, in any spelling of case and
 * separators, and what looks like a key inside any other. Nothing else is changed, and nothing is cut.
 */
export function createMask(names: readonly string[]): Mask {
  const named = new Set(names.map(plainName))
  const copy = (value: unknown): unknown => {
    if (typeof value === "string") return withoutSecrets(value)
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        named.has(plainName(name)) ? redacted : copy(member),
      ]),
    )
  }
  return (value) => copy(value) as typeof value
}
