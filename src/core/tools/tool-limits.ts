import type { ToolOrigin } from "./tool-origin.ts"

/** The limits that a skill or a role puts on calls. */
export interface ToolLimits {
  /** Patterns of the tools that may be called; null for any tool. */
  readonly allowed: readonly string[] | null
  /** Patterns of tools that may not be called. */
  readonly excluded: readonly string[]
}

/** The parts of a call that patterns see. */
export interface LimitedCall {
  readonly toolName: string
  readonly origin: ToolOrigin | null
  readonly qualifier: string | null
}

/**
 * Returns true if the limits allow the call. A pattern is a tool's name, in which `*` stands for any text. It may end
 * with a pattern for the call's qualifier in parentheses: `Bash(git:*)` allows the qualifier `git` and qualifiers
 * that start with `git `. A tool of an MCP server matches by the name that the model knows and by `SERVER__TOOL`.
 */
export function isWithin({ allowed, excluded }: ToolLimits, call: LimitedCall): boolean {
  if (excluded.some((pattern) => matches(pattern, call, listExcludedNames(call)))) return false
  return allowed === null || allowed.some((pattern) => matches(pattern, call, listAllowedNames(call)))
}

/** Returns true if the limits could allow a call of the tool with some qualifier. */
export function mayName({ allowed, excluded }: ToolLimits, tool: Omit<LimitedCall, "qualifier">): boolean {
  const call = { ...tool, qualifier: null }
  const excludesAll = (pattern: string) =>
    !pattern.includes("(") && matches(pattern, call, listExcludedNames(call))
  if (excluded.some(excludesAll)) return false
  return allowed === null || allowed.some((pattern) => matches(nameOf(pattern), call, listAllowedNames(call)))
}

/** Returns the pattern without the part for the qualifier. */
function nameOf(pattern: string): string {
  const [name = ""] = pattern.split("(")
  return name
}

function listAllowedNames({ toolName, origin }: LimitedCall): readonly string[] {
  return origin === null ? [toolName] : [toolName, `${origin.server}__${origin.tool}`]
}

/**
 * Includes the tool's plain name. Otherwise a second server with a tool of that name would change the name of the
 * first one, and so allow it.
 */
function listExcludedNames(call: LimitedCall): readonly string[] {
  return call.origin === null ? listAllowedNames(call) : [...listAllowedNames(call), call.origin.tool]
}

function matches(pattern: string, { qualifier }: LimitedCall, names: readonly string[]): boolean {
  const [, name = "", wanted] = /^([^(]*)(?:\(([^)]*)\)?)?$/.exec(pattern) ?? []
  if (!names.some((candidate) => matchesPattern(name, candidate))) return false
  if (wanted === undefined) return true
  if (qualifier === null) return false
  if (!wanted.endsWith(":*")) return matchesPattern(wanted, qualifier)
  const prefix = wanted.slice(0, -2)
  return (
    matchesPattern(prefix, qualifier) ||
    matchesPattern(`${prefix} *`, qualifier) ||
    matchesPattern(`${prefix}:*`, qualifier)
  )
}

/** Compares piece by piece, because a regular expression with several stars can take very long. */
function matchesPattern(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*")
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
