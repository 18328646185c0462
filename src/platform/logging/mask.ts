import { removeSecrets } from "../../core/text/remove-secrets.ts"
import { normalizeName } from "./redact.ts"
import { createRename } from "./unique-names.ts"

/** Placeholder for a hidden value. */
export const redacted = "[redacted]"

/** Returns a copy of a JSON value with the same shape, in which secrets are hidden. */
export type Mask = <Value>(value: Value) => Value

/**
 * Creates a function that masks texts. It replaces the whole value of members with one of these names, whatever their
 * case and separators. In any other text, including names of members, it replaces everything that looks like a key,
 * or follows one of the names (`iban: DE12`, `"iban":"DE12"`), even on the next line. It changes nothing else and
 * truncates nothing.
 */
export function createMask(names: readonly string[]): Mask {
  const named = new Set(names.map(normalizeName))
  const assignments = names.flatMap(createAssignmentPatterns)
  const maskText = (text: string) =>
    assignments.reduce((value, pattern) => value.replace(pattern, `$1${redacted}`), removeSecrets(text))
  const copy = (value: unknown): unknown => {
    if (typeof value === "string") return maskText(value)
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== "object" || value === null) return value
    const rename = createRename(maskText)
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        rename(name),
        named.has(normalizeName(name)) ? redacted : copy(member),
      ]),
    )
  }
  return (value) => copy(value) as typeof value
}

/**
 * Returns patterns of the name, a colon or an equals sign, and a value: in quotes as in JSON or code, or up to a
 * space.
 */
function createAssignmentPatterns(name: string): readonly RegExp[] {
  const before = createAssignmentPattern(name)
  return [
    new RegExp(`(${before}\\\\?["'])[^"'\\\\]+`, "giu"),
    new RegExp(`(${before})[^\\s"'\\\\,;&}\\[\\]]+`, "giu"),
  ]
}

/** The value may be on the next line, after the sign that starts a block in YAML. */
const beforeValue = "[^\\S\\r\\n]{0,40}(?:(?:[|>][+-]?)?\\r?\\n[^\\S\\r\\n]{0,40})?"

/** Returns the pattern of the text before a value of this name. */
export function createAssignmentPattern(name: string): string {
  const letters = [...normalizeName(name)].join("[^\\p{L}\\p{N}\\s]?")
  return `(?<![\\p{L}\\p{N}])${letters}\\\\?["']?\\s?[:=]${beforeValue}`
}
