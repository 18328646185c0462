import { type Environment, readEnvironment } from "../../adapters/providers/choose/environment.ts"
import type { Json, JsonObject } from "../../core/json/json.ts"
import type { EmittedData, Tool, ToolResult } from "../../core/ports/tools/tool.ts"
import { noTasks } from "../../core/runs/no-tasks.ts"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { resolveOrigin } from "../../core/tools/tool-origin.ts"
import { readConfiguredServers } from "../../features/mcp/config/configured-servers.ts"
import type { McpOptions } from "../../features/mcp/options.ts"
import { createSchemaChecker } from "../../kernel/tools/schema-check/schema-checker.ts"
import { createLogger } from "../../platform/logging/logger.ts"
import { packageVersion } from "../package-version.ts"

export interface OpenMcpOptions {
  /** The options of an agent. If they name no file, `MCP_CONFIG_PATH` of the environment may name one. */
  readonly options: McpOptions
  readonly env: Environment
  /** Names of the servers to open. Default: all. */
  readonly only?: readonly string[]
  /** Receives a sentence if the start of a server takes long. */
  readonly showStatus: (message: string) => void
  /** Ends the start. The servers are then stopped. */
  readonly signal: AbortSignal
}

export interface OpenedMcp {
  readonly servers: readonly OpenedMcpServer[]
  /**
   * Calls a tool as an agent would, but declines the tool's questions to the user. Rejects if the server has no such
   * tool.
   */
  call(tool: Pick<Tool, "name">, input: JsonObject, options: CallToolOptions): Promise<ToolResult>
  close(): Promise<void>
}

export interface OpenedMcpServer {
  readonly name: string
  readonly status: string
  /** Reason why the server is not ready. */
  readonly reason: string | null
  readonly tools: readonly Pick<Tool, "name" | "description" | "inputSchema">[]
}

export interface CallToolOptions {
  readonly signal: AbortSignal
  readonly onOutput: (text: string) => void
}

/** The answer to every question, because there is no user to ask. */
const nobody = { action: "decline", content: null } as const
/** Maximum number of times that a tool may ask again after its question was declined. */
const mostRounds = 10

/** Opens the servers of an agent, or of a configuration file, without an agent, to inspect and try them. */
export async function openMcp({
  options,
  env,
  only,
  showStatus,
  signal,
}: OpenMcpOptions): Promise<OpenedMcp> {
  const all = await readConfiguredServers(options, readEnvironment(env))
  const configs = all
    .filter(({ name }) => only?.includes(name) ?? true)
    // The names do not depend on the other servers.
    .map((config) => ({ ...config, prefix: false, toolPrefix: "", perUser: null }))
  const logger = createLogger({ level: "error" })
  const schemas = createSchemaChecker()
  const { startMcpServers } = await import("../../features/mcp/servers.ts")
  const servers = startMcpServers({
    configs,
    identity: { name: "ai-agent-gateway", version: packageVersion },
    logger,
    checkSchema: schemas.check,
    authorize: () => null,
  })
  const close = async () => {
    await servers.close()
    await schemas.close()
  }
  const view = await servers
    .open({ tenant: "local", userId: "local" }, { showStatus, signal })
    .catch(async (thrown: unknown) => {
      await close()
      throw thrown
    })
  const tools = view.tools([])
  const states = servers.states()
  return {
    servers: configs.map(({ name }) => {
      const state = states[name]
      return {
        name,
        status: state?.status ?? "stopped",
        reason: state?.status === "failed" ? state.reason : null,
        tools: tools.filter((tool) => resolveOrigin(tool, {})?.server === name),
      }
    }),
    async call({ name }, input, { signal, onOutput }) {
      const tool = tools.find((candidate) => candidate.name === name)
      if (tool === undefined) throw new Error(`There is no tool ${name}.`)
      const session = { id: "sess_local", tenant: "local", userId: "local", channel: null }
      const validation = await tool.validate(input, { session, signal, checkSchema: schemas.check })
      if (!validation.valid) return { type: "error", code: "invalid_input", message: validation.message }
      const limit = AbortSignal.timeout(Math.min(tool.timeoutMs ?? longestTimerMs, longestTimerMs))
      const context = {
        signal: AbortSignal.any([signal, limit]),
        session,
        context: {},
        runId: "run_local",
        toolCallId: "call_local",
        traceparent: null,
        idempotencyKey: "call_local",
        tasks: noTasks,
        ask: async () => nobody,
        emit: (emitted: string | EmittedData) => {
          if (typeof emitted === "string") onOutput(emitted)
        },
        logger,
      }
      let outcome = await tool.execute(validation.input, { ...context, answered: null })
      for (let round = 0; outcome.type === "wait" && round < mostRounds; round++) {
        const { continuation } = outcome
        const answered = { kind: "elicitation", continuation, ...nobody } as const
        outcome = await tool.execute(validation.input, { ...context, answered })
      }
      if (outcome.type !== "wait" && outcome.type !== "task") return outcome
      const message = "The tool keeps asking questions, and no one can answer here."
      return { type: "error", code: "input_rounds_exceeded", message }
    },
    close,
  }
}

/** Returns a result as JSON to print. */
export function toPrintableResult(result: ToolResult): Json {
  return result.type === "json" ? result.value : (JSON.parse(JSON.stringify(result)) as Json)
}
