import type { JsonObject } from "../../../core/json/json.ts"
import type { Skill } from "../skill.ts"
import type { Report } from "./report.ts"
import { splitToolPatterns } from "./specification.ts"

export type OwnFields = Pick<
  Skill,
  | "version"
  | "toolPacks"
  | "extraExcludedTools"
  | "interactive"
  | "scope"
  | "persistState"
  | "agent"
  | "metadata"
>

const yes = new Set(["true", "yes", "1", "on"])
const no = new Set(["false", "no", "0", "off"])
/** The longest delay that a timer can wait, in seconds. */
const maxTimeoutSeconds = 2_147_483

/**
 * Reads the fields that the gateway adds to the specification's. `place` is the prefix of their names in messages.
 * Unknown fields stay in `metadata`.
 */
export function readOwnFields(fields: JsonObject, place: string, report: Report): OwnFields {
  const rest = new Map(Object.entries(fields))
  const take = (name: string): unknown => {
    const value = rest.get(name)
    rest.delete(name)
    return isAbsent(value) ? null : value
  }
  const add = (name: string, rule: string, remedy: string) =>
    report.add("gateway", place + name, rule, remedy)

  const readText = (name: string): string | null => {
    const value = take(name)
    if (value === null) return null
    if (typeof value === "string") return value.trim()
    add(name, "The field must be a text.", "Write one value on the same line.")
    return null
  }
  const readFlag = (name: string, otherwise: boolean): boolean => {
    const value = readText(name)?.toLowerCase() ?? null
    if (value === null) return otherwise
    if (yes.has(value) || no.has(value)) return yes.has(value)
    add(name, "The field must be true or false.", `Write "${name}: true" or "${name}: false".`)
    return otherwise
  }
  const number = (name: string, most: number, { whole }: { readonly whole: boolean }): number | null => {
    const value = readText(name)
    if (value === null) return null
    const parsed = Number(value)
    const isKind = whole ? Number.isInteger(parsed) : Number.isFinite(parsed)
    if (isKind && parsed > 0 && parsed <= most) return parsed
    const kind = whole ? "a whole number" : "a number"
    add(name, `The field must be ${kind} over 0 and at most ${most}.`, `Write for example "${name}: 20".`)
    return null
  }
  const list = (name: string): readonly string[] | null => {
    const value = take(name)
    if (value === null) return null
    const items = Array.isArray(value) ? value : [value]
    if (items.every((item) => typeof item === "string")) return [...new Set(items.flatMap(splitToolPatterns))]
    add(name, "The field must be a list of names.", `Write for example "${name}: one two".`)
    return null
  }

  return {
    version: readText("version"),
    toolPacks: list("tool_packs") ?? [],
    extraExcludedTools: list("extra_excluded_tools") ?? [],
    interactive: readFlag("interactive", false),
    scope: readText("scope"),
    persistState: readFlag("persist_state", false),
    agent: {
      callable: readFlag("agent_callable", true),
      description: readText("agent_description"),
      model: readText("model"),
      provider: readText("provider"),
      maxTurns: number("max_turns", 1_000_000, { whole: true }),
      timeoutSeconds: number("timeout", maxTimeoutSeconds, { whole: false }),
      maxBudgetUsd: number("max_budget_usd", 1_000_000, { whole: false }),
      mcpServers: list("mcp_servers"),
    },
    metadata: Object.fromEntries(rest),
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && ["", "~", "null"].includes(value.trim()))
}
