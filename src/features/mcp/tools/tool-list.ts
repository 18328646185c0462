import type { Tool as ServerTool } from "@modelcontextprotocol/client"
import type { Logger } from "../../../core/ports/logger.ts"
import type { SchemaCheck } from "../../../core/ports/tools/schema-check.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { Namespaces } from "../names/namespaces.ts"
import { assignToolNames } from "../names/tool-names.ts"
import { isTooDeep } from "../nesting.ts"
import type { ServerHandle } from "../server.ts"
import { createMcpTool } from "./mcp-tool.ts"
import { createResourceTools } from "./resource-tools.ts"

export interface ToolListOptions {
  readonly logger: Logger
  readonly checkSchema: SchemaCheck
  /** Namespaces of all configured servers, including those that are not in this list. */
  readonly namespaces: Namespaces
}

export interface ToolList {
  tools(taken: readonly string[]): readonly Tool[]
}

/** Lists the tools of some servers. Creates a new list only if a tool or a taken name has changed. */
export function createToolList(servers: readonly ServerHandle[], options: ToolListOptions): ToolList {
  let basis: readonly unknown[] = []
  let list: readonly Tool[] = []
  return {
    tools(taken) {
      const current = [...servers.map(({ tools }) => tools), ...taken]
      if (current.length === basis.length && current.every((item, index) => item === basis[index]))
        return list
      basis = current
      list = makeTools(servers, taken, options)
      return list
    },
  }
}

function makeTools(
  servers: readonly ServerHandle[],
  taken: readonly string[],
  { logger, checkSchema, namespaces }: ToolListOptions,
): readonly Tool[] {
  const extra = createResourceTools(servers).filter(({ name }) => !taken.includes(name))
  const offered = servers.flatMap((server) => selectEnabledTools(server).map((tool) => ({ server, tool })))
  const { names, collisions } = assignToolNames(
    offered.map(({ server: { config }, tool }) => ({
      server: config.name,
      tool: tool.name,
      prefix: config.prefix,
      toolPrefix: config.toolPrefix,
    })),
    { taken: [...taken, ...extra.map(({ name }) => name)], namespaces },
  )
  if (collisions.length > 0) {
    logger.warn(
      { tools: collisions },
      "Tools of MCP servers have the same names as other tools. They are named SERVER__TOOL.",
    )
  }
  const refused: RefusedTool[] = []
  const tools = offered.flatMap(({ server, tool }, index) => {
    const named = names[index]
    if (named?.type === "named") {
      const { name, plain } = named
      return [createMcpTool(server, tool, { name, ...(plain !== null && { plainName: plain }), checkSchema })]
    }
    const owner = named?.type === "foreign" ? named.of : null
    refused.push({ server: server.config.name, tool: tool.name, owner })
    return []
  })
  logRefused(refused, logger)
  return [...tools, ...extra]
}

interface RefusedTool {
  readonly server: string
  readonly tool: string
  /** The server whose namespace contains the name. Null for a tool that cannot be distinguished from another one. */
  readonly owner: string | null
}

/** Maximum number of tools in one log line. A server may list any number. */
const mostLogged = 20

function logRefused(refused: readonly RefusedTool[], logger: Logger): void {
  if (refused.length === 0) return
  logger.warn(
    { tools: refused.slice(0, mostLogged), count: refused.length },
    "Tools of MCP servers are left out: their names are in the namespace of another server, or no " +
      "name is left for them.",
  )
}

function selectEnabledTools({ config, tools }: ServerHandle): readonly ServerTool[] {
  // Only the server knows which of several tools with one name is called.
  const byName = new Map(tools.toReversed().map((tool) => [tool.name, tool]))
  // A tool that can only run as a task, from 2025-11-25's experiment, cannot be called.
  return tools.filter((tool) => {
    const { name, execution } = tool
    const isWanted = config.isEnabled(name) && execution?.taskSupport !== "required"
    // A tool that JSON cannot represent would fail every run.
    return isWanted && byName.get(name) === tool && !isTooDeep(tool)
  })
}
