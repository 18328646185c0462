import { withoutSecrets } from "../core/text/without-secrets.ts"
import { plainName } from "./redact.ts"
import { createRename } from "./unique-names.ts"

/** Stands for what is not shown. */
export const redacted = "[redacted]"

/** Returns a copy of a JSON value of the same shape, in which secrets are not shown. */
export type Mask = <Value>(value: Value) => Value

/**
 * Makes a function that masks texts: whole ones that are members with one of these names, in any spelling of case and
 * separators, and in any other text, names of members included, what looks like a key, or follows one of the names
 * (`iban: DE12`, `"iban":"DE12"`), also on the next line.
 * It changes nothing else and truncates nothing.
 */
export function createMask(names: readonly string[]): Mask {
  const named = new Set(names.map(plainName))
  const assignments = names.flatMap(assignmentsOf)
  const maskText = (text: string) =>
    assignments.reduce((value, pattern) => value.replace(pattern, `$1${redacted}`), withoutSecrets(text))
  const copy = (value: unknown): unknown => {
    if (typeof value === "string") return maskText(value)
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== "object" || value === null) return value
    const rename = createRename(maskText)
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        rename(name),
        named.has(plainName(name)) ? redacted : copy(member),
      ]),
    )
  }
  return (value) => copy(value) as typeof value
}

/** Matches the name, a colon or an equals sign, and a value: in quotes as JSON or code has it, or up to a space. */
function assignmentsOf(name: string): readonly RegExp[] {
  const before = assignmentTo(name)
  return [
    new RegExp(`(${before}\\\\?["'])[^"'\\\\]+`, "giu"),
    new RegExp(`(${before})[^\\s"'\\\\,;&}\\[\\]]+`, "giu"),
  ]
}

/** The next line may have the value, after the sign with which YAML begins a block. */
const beforeValue = "[^\\S\\r\\n]{0,40}(?:(?:[|>][+-]?)?\\r?\\n[^\\S\\r\\n]{0,40})?"

/** Returns the pattern of what precedes a value of this name. */
export function assignmentTo(name: string): string {
  const letters = [...plainName(name)].join("[^\\p{L}\\p{N}\\s]?")
  return `(?<![\\p{L}\\p{N}])${letters}\\\\?["']?\\s?[:=]${beforeValue}`
}
