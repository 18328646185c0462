import { cleanName, fitName, markName } from "./model-name.ts"
import { findForeignServer, type Namespaces, toNamespace } from "./namespaces.ts"

export interface NamedTool {
  readonly server: string
  readonly tool: string
  /** If true, the tool's name always has the server's name as its prefix. */
  readonly prefix: boolean
  /** Prefix of the tool's name in place of the server's name. Empty for none. */
  readonly toolPrefix: string
}

export interface TakenNames {
  /** Names of the agent's own tools, which do not change. */
  readonly taken: readonly string[]
  /** Namespaces of all configured servers, running or not. */
  readonly namespaces: Namespaces
}

export interface ToolNames {
  /** The names in the order of the tools. */
  readonly names: readonly ToolName[]
  /** Names that several tools have. The servers' tools of these names are therefore named after their servers. */
  readonly collisions: readonly string[]
}

export type ToolName =
  /** `plain` is the name that the tool would have if no other tool had it too. Null if the tool has that name. */
  | { readonly type: "named"; readonly name: string; readonly plain: string | null }
  /** The tool is left out, because its name is in the namespace of the server `of`. */
  | { readonly type: "foreign"; readonly of: string }
  /** The tool is left out, because it would have the name of another tool in every form. */
  | { readonly type: "ambiguous" }

/**
 * Gives each tool a unique name that all providers accept: its own name after its `toolPrefix`, or `SERVER__TOOL` if
 * another server or the agent has a tool of that name. The names depend neither on the order of the tools nor on that
 * of the servers. A tool of one server never gets a name that starts like those of another server.
 */
export function assignToolNames(tools: readonly NamedTool[], { taken, namespaces }: TakenNames): ToolNames {
  const strangers = tools.map(({ server, tool, toolPrefix }) =>
    findForeignServer(cleanName(`${toolPrefix}${tool}`), server, namespaces),
  )
  const own = tools.filter((_tool, index) => strangers[index] === null)
  const short = [...own.filter(({ prefix }) => !prefix).map(toPlainName), ...taken]
  const collides = findRepeated(short)
  const wanted = own.map((tool) =>
    tool.prefix || collides.has(toPlainName(tool)) ? prefixName(tool) : toPlainName(tool),
  )
  // Names of one server's tools may differ only in characters that are not accepted. All of them get a hash.
  const isRepeated = findRepeated([...wanted, ...taken])
  const ownNames = own.map((tool, index) => {
    const name = wanted[index] ?? ""
    return isRepeated.has(name) ? markName(name, `${tool.server}\n${tool.tool}`) : name
  })
  const isAmbiguous = findRepeated([...ownNames, ...taken])
  const names = new Map(
    own.map((tool, index): [NamedTool, ToolName] => {
      const name = ownNames[index] ?? ""
      if (isAmbiguous.has(name)) return [tool, { type: "ambiguous" }]
      const plain = toPlainName(tool)
      return [tool, { type: "named", name, plain: tool.prefix || name === plain ? null : plain }]
    }),
  )
  return {
    names: tools.map((tool, index) => {
      const of = strangers[index] ?? null
      return of === null ? (names.get(tool) ?? { type: "ambiguous" }) : { type: "foreign", of }
    }),
    collisions: [...new Set(own.filter(({ prefix }) => !prefix).map(toPlainName))].filter((name) =>
      collides.has(name),
    ),
  }
}

function toPlainName({ tool, toolPrefix }: NamedTool): string {
  return fitName(cleanName(`${toolPrefix}${tool}`), tool)
}

/** Truncates only the tool's part of a name, so that the server's part stays whole. */
function prefixName({ server, tool }: NamedTool): string {
  return fitName(`${toNamespace(server)}${cleanName(tool)}`, tool)
}

function findRepeated(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  return new Set(names.filter((name) => seen.has(name) || !seen.add(name)))
}
