import type { Json, JsonObject } from "../core/json.ts"
import type { Tool, ToolContext, ToolResult } from "../core/ports/tool.ts"
import { startMcpServers } from "../mcp/servers.ts"
import { createLogger } from "../telemetry/logger.ts"
import { type Environment, settingsFrom } from "./environment.ts"
import { mcpConfigs } from "./mcp.ts"
import { packageVersion } from "./package-version.ts"

export interface OpenMcpOptions {
  /** A configuration file; default `MCP_CONFIG_PATH` of the environment. */
  readonly configPath?: string
  readonly env: Environment
  /** Only these servers. Default all. */
  readonly only?: readonly string[]
}

export interface OpenedMcp {
  readonly servers: readonly OpenedMcpServer[]
  /** Calls a tool as an agent would, but for asking anybody. Rejects when the server has no such tool. */
  call(tool: Pick<Tool, "name">, input: JsonObject, options: CallToolOptions): Promise<ToolResult>
  close(): Promise<void>
}

export interface OpenedMcpServer {
  readonly name: string
  readonly status: string
  /** Why it is not ready. */
  readonly reason: string | null
  readonly tools: readonly Pick<Tool, "name" | "description" | "inputSchema">[]
}

export interface CallToolOptions {
  readonly signal: AbortSignal
  readonly onOutput: (text: string) => void
}

/** The servers of a configuration file without an agent around them, to look at and to try out. */
export async function openMcp({ configPath, env, only }: OpenMcpOptions): Promise<OpenedMcp> {
  const options = configPath === undefined ? {} : { mcpConfigPath: configPath }
  const all = await mcpConfigs(options, settingsFrom(env))
  const configs = all
    .filter(({ name }) => only?.includes(name) ?? true)
    // Named in one way whatever the others have.
    .map((config) => ({ ...config, prefix: false, perUser: null }))
  const logger = createLogger({ level: "error" })
  const servers = startMcpServers({
    configs,
    identity: { name: "ai-agent-gateway", version: packageVersion },
    logger,
    authorize: () => null,
    elicit: null,
  })
  const view = await servers.open({ tenant: "local", userId: "local" })
  const tools = view.tools([])
  const states = servers.states()
  return {
    servers: configs.map(({ name }) => {
      const state = states[name]
      return {
        name,
        status: state?.status ?? "stopped",
        reason: state?.status === "failed" ? state.reason : null,
        tools: tools.filter(({ server }) => server === name),
      }
    }),
    async call({ name }, input, { signal, onOutput }) {
      const tool = tools.find((candidate) => candidate.name === name)
      if (tool === undefined) throw new Error(`There is no tool ${name}.`)
      const validation = await tool.validate(input)
      if (!validation.valid) return { type: "error", code: "invalid_input", message: validation.message }
      const context: ToolContext = {
        signal,
        session: { id: "sess_local", userId: "local", channel: null },
        runId: "run_local",
        toolCallId: "call_local",
        idempotencyKey: "call_local",
        answered: null,
        ask: async () => ({ action: "decline", content: null }),
        emit: onOutput,
        logger,
      }
      const outcome = await tool.execute(validation.input, context)
      if (outcome.type !== "inputRequired") return outcome
      throw new Error(`${name} asks the user, and there is nobody to ask: ${outcome.question.message}`)
    },
    close: () => servers.close(),
  }
}

/** A result as JSON to print. */
export function printableResult(result: ToolResult): Json {
  return result.type === "json" ? result.value : (JSON.parse(JSON.stringify(result)) as Json)
}
