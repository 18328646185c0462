import { fileURLToPath } from "node:url"
import { Client } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import type { ToolContext } from "../../src/core/ports/tools/tool.ts"
import { noTasks } from "../../src/core/runs/no-tasks.ts"
import { toServerConfigs } from "../../src/features/mcp/config/server-config.ts"
import { startMcpServers } from "../../src/features/mcp/servers.ts"
import { createSchemaChecker } from "../../src/kernel/tools/schema-check/schema-checker.ts"
import { median } from "../statistics.ts"

export interface McpSettings {
  readonly repeats: number
  readonly calls: number
}

/** Microseconds of one call over stdio to a server that responds at once. Calls run one after the other. */
export interface McpResult {
  /** The call as the agent's loop makes it: validated, executed and converted. */
  readonly gateway: number
  /** A `callTool` of the SDK's client over the SDK's own transport. */
  readonly client: number
}

type Call = () => Promise<unknown>

const program = {
  command: process.execPath,
  args: [fileURLToPath(new URL("../servers/mcp-echo.mjs", import.meta.url))],
}
const input = { text: "hello" }

/** Measures both in turns, so that they see the same state of the machine. */
export async function measureMcp({ repeats, calls }: McpSettings): Promise<McpResult> {
  const gateway = await openGateway()
  const client = await openClient()
  const taken = { gateway: [] as number[], client: [] as number[] }
  try {
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const round = { client: await time(client.call, calls), gateway: await time(gateway.call, calls) }
      // The first round warms up.
      if (repeat === 0) continue
      taken.client.push(round.client)
      taken.gateway.push(round.gateway)
    }
  } finally {
    await gateway.close()
    await client.close()
  }
  return { gateway: median(taken.gateway), client: median(taken.client) }
}

async function time(call: Call, calls: number): Promise<number> {
  const start = performance.now()
  for (let index = 0; index < calls; index++) await call()
  return ((performance.now() - start) * 1_000) / calls
}

async function openClient() {
  const client = new Client({ name: "bench", version: "0" })
  await client.connect(new StdioClientTransport(program))
  await client.listTools()
  return { call: () => client.callTool({ name: "echo", arguments: input }), close: () => client.close() }
}

async function openGateway() {
  const schemas = createSchemaChecker()
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const servers = startMcpServers({
    configs: toServerConfigs(
      { echo: program },
      {
        defaultToolTimeoutMs: 30_000,
        timeoutOverrides: {},
        sessionInjectServers: [],
        stripInputFields: [],
        environment: {},
      },
    ),
    identity: { name: "bench", version: "0" },
    logger,
    checkSchema: schemas.check,
    authorize: () => null,
  })
  const view = await servers.open(
    { tenant: "bench", userId: "bench" },
    { showStatus: () => {}, signal: new AbortController().signal },
  )
  const [tool] = view.tools([])
  if (tool === undefined) throw new Error("The server of the bench does not start.")
  const context: ToolContext = {
    signal: new AbortController().signal,
    session: { id: "session", tenant: "test", userId: "bench", channel: null },
    context: {},
    runId: "run",
    toolCallId: "call",
    idempotencyKey: "call",
    traceparent: null,
    answered: null,
    tasks: noTasks,
    ask: () => Promise.reject(new Error("No one can be asked in this run.")),
    emit: () => undefined,
    logger,
  }
  const call: Call = async () => {
    const validation = await tool.validate(input, {
      session: { id: "session", tenant: "bench", userId: "bench" },
      signal: context.signal,
      checkSchema: schemas.check,
    })
    if (!validation.valid) throw new Error(validation.message)
    await tool.execute(validation.input, context)
  }
  return {
    call,
    async close() {
      await servers.close()
      await schemas.close()
    },
  }
}
