import { cleanName, fitName, markName } from "./model-name.ts"
import { type Namespaces, namespaceOf, strangerOf } from "./namespaces.ts"

export interface NamedTool {
  readonly server: string
  readonly tool: string
  /** If true, the server's name is put before the tool's in any case. */
  readonly prefix: boolean
  /** Put before the tool's name in place of the server's. Empty for none. */
  readonly toolPrefix: string
}

export interface Surroundings {
  /** Names of the agent's own tools, which they keep. */
  readonly taken: readonly string[]
  /** Namespaces of all configured servers, running or not. */
  readonly namespaces: Namespaces
}

export interface ToolNames {
  /** In the order given. */
  readonly names: readonly ToolName[]
  /** Names that more than one tool has, so that the servers' tools are named after their servers. */
  readonly collisions: readonly string[]
}

export type ToolName =
  /** `plain` is the name that the tool would have if no other tool had it too; null if it has that. */
  | { readonly type: "named"; readonly name: string; readonly plain: string | null }
  /** The tool is left out: its name is in the namespace of the server `of`. */
  | { readonly type: "foreign"; readonly of: string }
  /** The tool is left out: it would have the name of another one in every way. */
  | { readonly type: "ambiguous" }

/**
 * Gives each tool a name of its own that all model services take: the tool's own after its `toolPrefix`, or
 * `SERVER__TOOL` where another server's tool or one of the agent's is named the same. The names depend neither on the
 * order of the tools nor on that of the servers. What a server lists never gets a name that starts as those of another
 * server do.
 */
export function nameTools(tools: readonly NamedTool[], { taken, namespaces }: Surroundings): ToolNames {
  const strangers = tools.map(({ server, tool, toolPrefix }) =>
    strangerOf(cleanName(`${toolPrefix}${tool}`), server, namespaces),
  )
  const own = tools.filter((_tool, index) => strangers[index] === null)
  const short = [...own.filter(({ prefix }) => !prefix).map(plainName), ...taken]
  const collides = repeatedIn(short)
  const wanted = own.map((tool) =>
    tool.prefix || collides.has(plainName(tool)) ? prefixedName(tool) : plainName(tool),
  )
  // Tools of one server may be named alike but for characters that are not taken. All of them are told apart.
  const isRepeated = repeatedIn([...wanted, ...taken])
  const given = own.map((tool, index) => {
    const name = wanted[index] ?? ""
    return isRepeated.has(name) ? markName(name, `${tool.server}\n${tool.tool}`) : name
  })
  const isAmbiguous = repeatedIn([...given, ...taken])
  const names = new Map(
    own.map((tool, index): [NamedTool, ToolName] => {
      const name = given[index] ?? ""
      if (isAmbiguous.has(name)) return [tool, { type: "ambiguous" }]
      const plain = plainName(tool)
      return [tool, { type: "named", name, plain: tool.prefix || name === plain ? null : plain }]
    }),
  )
  return {
    names: tools.map((tool, index) => {
      const of = strangers[index] ?? null
      return of === null ? (names.get(tool) ?? { type: "ambiguous" }) : { type: "foreign", of }
    }),
    collisions: [...new Set(own.filter(({ prefix }) => !prefix).map(plainName))].filter((name) =>
      collides.has(name),
    ),
  }
}

function plainName({ tool, toolPrefix }: NamedTool): string {
  return fitName(cleanName(`${toolPrefix}${tool}`), tool)
}

/** Truncates the tool's part of a name only, so that the server's part stays whole. */
function prefixedName({ server, tool }: NamedTool): string {
  return fitName(`${namespaceOf(server)}${cleanName(tool)}`, tool)
}

function repeatedIn(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  return new Set(names.filter((name) => seen.has(name) || !seen.add(name)))
}
