import { parseArgs } from "node:util"
import type { Gateway, ServedAgent } from "../../gateway/gateway.ts"
import {
  type OpenedMcp,
  type OpenedMcpServer,
  openMcp,
  toPrintableResult,
} from "../../gateway/operate/open-mcp.ts"
import { loadAgent } from "../agent-file/load-agent.ts"
import { parseJsonObject } from "../arguments.ts"
import type { CliContext } from "../cli-context.ts"
import { CliError, formatAsLine, parseUsage, UsageError } from "../cli-error.ts"
import { describeActionProblem } from "../command-words.ts"
import { exitCodes, toStopExitCode } from "../exit-codes.ts"
import { type Cell, printTable } from "../output/table.ts"

const commandUsage = "usage: agent-gateway mcp list | tools [SERVER] | call SERVER TOOL [JSON]"

/** `mcp list|tools|call` starts the servers of a configuration file or an agent to test them, and stops them. */
export async function runMcpCommand(context: CliContext): Promise<number> {
  const request = parse(context.argv)
  try {
    return await withServers(request, context)
  } catch (thrown) {
    if (!context.signal.aborted) throw thrown
    return toStopExitCode(context.signal)
  }
}

async function withServers(request: Request, context: CliContext): Promise<number> {
  const { json } = request.options
  const mcp = await openMcp({
    env: context.env,
    options: await chooseServers(request, context),
    ...(request.server !== undefined && { only: [request.server] }),
    showStatus: (message) => context.stderr.write(`agent-gateway: ${message}\n`),
    signal: context.signal,
  })
  try {
    if (request.server !== undefined && mcp.servers.length === 0) {
      throw new CliError(`there is no server ${request.server} in the configuration`)
    }
    if (request.action === "call") return await call(mcp, request, context)
    if (json) context.stdout.write(`${JSON.stringify(mcp.servers)}\n`)
    else if (request.action === "list") listServers(mcp.servers, context)
    else listTools(mcp.servers, context)
    return mcp.servers.every(({ status }) => status === "ready") ? exitCodes.success : exitCodes.failure
  } finally {
    await mcp.close()
  }
}

type Request = ReturnType<typeof parse>

async function chooseServers(
  { options: { config, agent, name } }: Request,
  context: CliContext,
): Promise<ServedAgent["mcp"]> {
  if (config !== undefined && agent !== undefined) {
    throw new UsageError(`give --config or --agent, not both; ${commandUsage}`)
  }
  if (name !== undefined && agent === undefined) {
    throw new UsageError(`--name is for one of several agents of --agent FILE; ${commandUsage}`)
  }
  if (agent !== undefined) return findServers(await loadAgent(agent, context), name)
  if (config !== undefined) return { mcpConfigPath: config }
  if (context.env.MCP_CONFIG_PATH) return {}
  throw new UsageError(
    `no configuration: give --config FILE or --agent FILE, or set MCP_CONFIG_PATH; ${commandUsage}`,
  )
}

function findServers({ agents }: Gateway, name: string | undefined): ServedAgent["mcp"] {
  const found = name === undefined ? agents[0] : agents.find((agent) => agent.name === name)
  if (found !== undefined) return found.mcp
  throw new CliError(`there is no agent ${name}; there are ${agents.map((agent) => agent.name).join(", ")}`)
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = parseUsage("mcp", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        agent: { type: "string" },
        config: { type: "string" },
        json: { type: "boolean" },
        name: { type: "string" },
        verbose: { type: "boolean" },
      },
    }),
  )
  const [action, server, tool, text = "{}", extra] = positionals
  if (action !== "list" && action !== "tools" && action !== "call") {
    throw new UsageError(`${describeActionProblem("mcp", action)}; ${commandUsage}`)
  }
  const unexpected = { list: server, tools: tool, call: extra }[action]
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}; ${commandUsage}`)
  if (action === "call" && tool === undefined)
    throw new UsageError(`SERVER or TOOL is missing; ${commandUsage}`)
  return { action, server, tool: tool ?? "", input: parseJsonObject(text, "the tool's input"), options }
}

async function call(mcp: OpenedMcp, { server, tool, input }: Request, context: CliContext): Promise<number> {
  const [found] = mcp.servers
  if (found?.status !== "ready")
    throw new CliError(`${server} is not ready: ${found?.reason ?? found?.status}`)
  if (!found.tools.some(({ name }) => name === tool)) {
    throw new CliError(
      `${server} has no tool ${tool}; it has ${found.tools.map(({ name }) => name).join(", ")}`,
    )
  }
  const { signal } = context
  const onOutput = (text: string) => void context.stderr.write(text)
  const result = await mcp.call({ name: tool }, input, { signal, onOutput })
  if (result.type === "error") throw new CliError(`${result.message} (${result.code})`)
  context.stdout.write(`${JSON.stringify(toPrintableResult(result), null, 2)}\n`)
  return exitCodes.success
}

function listServers(servers: readonly OpenedMcpServer[], { stdout }: CliContext): void {
  if (servers.length === 0) stdout.write("The configuration has no servers.\n")
  const rows = servers.map((server) => [
    server.name,
    formatStatus(server),
    server.status === "ready" ? `${server.tools.length} tools` : (server.reason ?? ""),
  ])
  printTable(stdout, rows)
}

function listTools(servers: readonly OpenedMcpServer[], { stdout }: CliContext): void {
  for (const server of servers) {
    stdout.writeStyled("bold", formatAsLine(server.name))
    stdout.write(
      server.status === "ready" ? "\n" : `  ${server.status}: ${formatAsLine(server.reason ?? "")}\n`,
    )
    printTable(
      stdout,
      server.tools.map(({ name, description }) => ["", name, description]),
    )
  }
}

function formatStatus({ status }: OpenedMcpServer): Cell {
  return { text: status, style: status === "ready" ? "green" : "red" }
}
