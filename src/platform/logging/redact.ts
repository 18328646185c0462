import { removeSecrets } from "../../core/text/remove-secrets.ts"
import { createRename } from "./unique-names.ts"

/** Maximum depth, width and size of a value in a log line. */
const maxDepth = 8
const maxMembers = 100
const maxValues = 2_000

const redacted = "[redacted]"
const cut = "[cut]"

/** A copy without secrets that JSON can hold. */
export type Redact = (value: unknown) => unknown

/**
 * Creates a function that removes secrets from values for display: members with a secret name (`password`,
 * `authorization`, `sessionToken` …) or one of `names`, whatever their case and separators, and everything that looks
 * like a key inside any text. It does not change its argument, accepts cyclic and huge values, and does not throw.
 */
export function createRedact(names: readonly string[] = []): Redact {
  const named = new Set(names.map(normalizeName))
  return (value) => copy(value, { named, left: maxValues }, [])
}

interface Walk {
  readonly named: ReadonlySet<string>
  /** Remaining number of values to copy. */
  left: number
}

type Ancestors = readonly object[]

function copy(value: unknown, walk: Walk, ancestors: Ancestors): unknown {
  if (walk.left-- <= 0) return cut
  if (typeof value === "string") return redactText(value)
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "function" || typeof value === "symbol") return undefined
  if (typeof value !== "object" || value === null) return value
  if (ancestors.includes(value)) return "[circular]"
  if (ancestors.length >= maxDepth) return cut
  try {
    return copyObject(value, walk, [...ancestors, value])
  } catch (error) {
    return formatUnreadable(error)
  }
}

function copyObject(value: object, walk: Walk, ancestors: Ancestors): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return copyList(value, walk, ancestors)
  if (value instanceof Set) return copyList([...value], walk, ancestors)
  if (value instanceof Map) return copyMembers(Object.fromEntries(value), walk, ancestors)
  if (value instanceof Error) return copyMembers(listErrorMembers(value), walk, ancestors)
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return copy(value.toJSON(), walk, ancestors)
  }
  return copyMembers(value, walk, ancestors)
}

function copyList(list: readonly unknown[], walk: Walk, ancestors: Ancestors): unknown[] {
  const items = list.slice(0, maxMembers).map((item) => copy(item, walk, ancestors))
  return list.length > maxMembers ? [...items, `[${list.length - maxMembers} more]`] : items
}

function copyMembers(object: object, walk: Walk, ancestors: Ancestors): Record<string, unknown> {
  const names = Object.keys(object)
  const rename = createRename(redactText)
  const members = names.slice(0, maxMembers).map((name) => {
    return [rename(name), copyMember(object, name, walk, ancestors)] as const
  })
  if (names.length > maxMembers) members.push(["…", `[${names.length - maxMembers} more]`])
  return Object.fromEntries(members)
}

function copyMember(object: object, name: string, walk: Walk, ancestors: Ancestors): unknown {
  try {
    const value: unknown = Reflect.get(object, name)
    return isSecret(name, value, walk) ? redacted : copy(value, walk, ancestors)
  } catch (error) {
    return formatUnreadable(error)
  }
}

/** Returns members of an Error that are not enumerable, in the form that pino gives it. */
function listErrorMembers(error: Error): object {
  const { message, stack, cause } = error
  const errors = error instanceof AggregateError ? { errors: error.errors } : {}
  const own = Object.fromEntries(Object.entries(error).filter(([name]) => name !== "name"))
  return { type: error.name, message, stack, ...own, ...(cause === undefined ? {} : { cause }), ...errors }
}

/**
 * Returns the text for a value whose getter, proxy or `toJSON` throws. The thrown error may be unreadable as well.
 */
function formatUnreadable(error: unknown): string {
  return `[unreadable: ${error instanceof Error ? redactText(error.message) : typeof error}]`
}

const secretName =
  /passw(or)?d|passphrase|secret|authorization|cookie|credential|apikey|privatekey|accesskey|token$/

function isSecret(name: string, value: unknown, { named }: Walk): boolean {
  if (value === null || value === undefined || typeof value === "boolean") return false
  const plain = normalizeName(name)
  if (named.has(plain) || secretName.test(plain)) return true
  // It only identifies repeated calls, and gives no access.
  if (plain === "idempotencykey") return false
  // Keys of caches and maps are not secrets, unless they look like one.
  return plain.endsWith("key") && typeof value === "string" && /^[\w+/=.-]{24,}$/.test(value)
}

export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")
}

/** Maximum characters of a log line. */
const maxCharacters = 16_384

/** Replaces secrets in the text, and truncates it to a length that suits a log. */
export function redactText(text: string): string {
  const left = text.length - maxCharacters
  const clean = removeSecrets(left > 0 ? text.slice(0, maxCharacters) : text)
  return left > 0 ? `${clean}… [${left} more characters]` : clean
}
