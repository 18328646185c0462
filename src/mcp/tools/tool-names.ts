import { createHash } from "node:crypto"

const longestName = 64

export interface NamedTool {
  readonly server: string
  readonly tool: string
  /** Whether the server's name is always put before the tool's. */
  readonly prefix: boolean
}

export interface ToolNames {
  /** In the order given. */
  readonly names: readonly string[]
  /** Names that more than one tool has, so that all of these tools are named after their servers too. */
  readonly collisions: readonly string[]
}

/**
 * Gives every tool a name of its own that all model services take: the tool's own, or `SERVER__TOOL` where another
 * server's tool or one of the agent's `taken` names is the same. It depends on the tools alone, not on their order.
 */
export function nameTools(tools: readonly NamedTool[], taken: readonly string[]): ToolNames {
  const plain = tools.map(({ tool }) => toName(tool))
  const counts = count([...plain, ...taken])
  const collides = (name: string) => (counts.get(name) ?? 0) > 1
  const names = tools.map(({ server, tool, prefix }, index) => {
    const name = plain[index] ?? ""
    return prefix || collides(name) ? toName(`${server}__${tool}`) : name
  })
  // Servers may be named alike but for characters that are not taken.
  const seen = new Set(taken)
  const unique = names.map((name, index) => {
    const { server, tool } = tools[index] ?? { server: "", tool: "" }
    const own = seen.has(name) ? shorten(name, `${server}\n${tool}`) : name
    seen.add(own)
    return own
  })
  const collisions = new Set(plain.filter((name, index) => tools[index]?.prefix === false && collides(name)))
  return { names: unique, collisions: [...collisions] }
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Letters, digits, `_` and `-`, at most 64. */
function toName(name: string): string {
  const clean = name.replace(/[^a-zA-Z0-9_-]/g, "_")
  return clean.length <= longestName ? clean : shorten(clean, name)
}

function shorten(clean: string, whole: string): string {
  const mark = createHash("sha256").update(whole).digest("hex").slice(0, 8)
  return `${clean.slice(0, longestName - mark.length - 1)}_${mark}`
}
