import type { CallToolResult, Tool as ServerTool } from "@modelcontextprotocol/client"
import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ToolContext } from "../../../core/ports/tools/tool.ts"
import { noTasks } from "../../../core/runs/no-tasks.ts"
import { createSchemaChecker } from "../../../kernel/tools/schema-check/schema-checker.ts"
import type { McpServerOptions } from "../config/definition.ts"
import { type ConfigDefaults, toServerConfigs } from "../config/server-config.ts"
import type { RepeatableCall, ServerHandle } from "../server.ts"
import { createMcpTool } from "./mcp-tool.ts"

const defaults: ConfigDefaults = {
  defaultToolTimeoutMs: 30_000,
  timeoutOverrides: {},
  sessionInjectServers: [],
  stripInputFields: [],
  environment: {},
}

type Schema = ServerTool["inputSchema"]

interface Call {
  readonly name: string
  readonly input: JsonObject
  readonly options: RepeatableCall
}

const validationContext = {
  session: { id: "sess_1", tenant: "acme", userId: "ann" },
  signal: new AbortController().signal,
  checkSchema: createSchemaChecker().check,
}

function toolOf(
  definition: Partial<ServerTool>,
  options: McpServerOptions = {},
  given: Partial<ConfigDefaults> = {},
) {
  const calls: Call[] = []
  const [config] = toServerConfigs({ files: { ...options, command: "files" } }, { ...defaults, ...given })
  if (config === undefined) throw new Error("There is one server.")
  const server: ServerHandle = {
    config,
    state: { status: "ready", tools: 1 },
    tools: [],
    instructions: null,
    settled: async () => undefined,
    use: () => Promise.reject(new Error("not asked for")),
    async call(name, input, callOptions): Promise<CallToolResult> {
      calls.push({ name, input, options: callOptions })
      callOptions.onProgress({ progress: 1, total: 2, message: "half" })
      callOptions.onProgress({ progress: 2 })
      return { content: [{ type: "text", text: "done" }] }
    },
  }
  const schema: Schema = { type: "object", properties: { path: { type: "string" } }, required: ["path"] }
  return {
    tool: createMcpTool(
      server,
      { name: "read.file", inputSchema: schema, ...definition },
      { name: "read_file", checkSchema: createSchemaChecker().check },
    ),
    calls,
  }
}

describe("annotations that are trusted", () => {
  const reads = { annotations: { readOnlyHint: true } }
  const harmless = { annotations: { destructiveHint: false } }

  it.each<[string, Partial<ServerTool>, McpServerOptions, object]>([
    ["nothing of a server that is not trusted", reads, {}, { readOnly: false, idempotent: false }],
    ["that it only reads, if the server is trusted", reads, { trusted: true }, { readOnly: true }],
    [
      "that it may be repeated, if the server is trusted",
      { annotations: { idempotentHint: true } },
      { trusted: true },
      { idempotent: true },
    ],
    ["the user, of any server", {}, { tools: { "read.file": { readOnly: true } } }, { readOnly: true }],
    [
      "the user more than the server",
      reads,
      { trusted: true, tools: { "read.file": { readOnly: false } } },
      { readOnly: false },
    ],
    ["nothing that would spare a question", harmless, { approval: "destructive" }, { needsApproval: true }],
    [
      "that it does no harm, if the server is trusted",
      harmless,
      { approval: "destructive", trusted: true },
      { needsApproval: false },
    ],
    [
      "that it destroys where it says nothing",
      {},
      { approval: "destructive", trusted: true },
      { needsApproval: true },
    ],
  ])("%s", (_what, definition, options, expected) => {
    expect(toolOf(definition, options).tool).toMatchObject(expected)
  })
})

describe("who must approve", () => {
  it.each<[string, McpServerOptions, boolean | undefined]>([
    ["the agent's policy decides where nothing is said", {}, undefined],
    ["always", { approval: "always" }, true],
    ["never", { approval: "never" }, false],
    [
      "what is said of the tool counts first",
      { approval: "always", tools: { "read.file": { approval: "never" } } },
      false,
    ],
  ])("%s", (_name, options, expected) => {
    expect(toolOf({}, options).tool.needsApproval).toBe(expected)
  })
})

describe("the time limit", () => {
  const own = { timeoutMs: 2, tools: { "read.file": { timeoutMs: 3 } } }
  it.each<[string, McpServerOptions, Record<string, number>, number]>([
    ["is the default", {}, {}, 30_000],
    ["is the server's", { timeoutMs: 2 }, {}, 2],
    ["is the tool's rather than the server's", own, {}, 3],
    ["is what overrides it", own, { "read.file": 4 }, 4],
    ["is what overrides it on this server", own, { "read.file": 4, "files__read.file": 5 }, 5],
  ])("%s", (_name, options, timeoutOverrides, expected) => {
    expect(toolOf({}, options, { timeoutOverrides }).tool.timeoutMs).toBe(expected)
  })
})

it("is called by the server's own name, and shows its progress", async () => {
  const { tool, calls } = toolOf({}, { tools: { "read.file": { idempotent: true } } })
  const shown: string[] = []
  const result = await tool.execute(
    { path: "a" },
    context((chunk) => {
      if (typeof chunk === "string") shown.push(chunk)
    }),
  )
  expect(result).toEqual({ type: "content", content: [{ type: "text", text: "done" }] })
  expect(calls).toMatchObject([{ name: "read.file", input: { path: "a" }, options: { repeatable: true } }])
  expect(shown).toEqual(["1/2 half\n", "2\n"])
})

it("validates the input before the server receives it", async () => {
  const { tool } = toolOf({})
  expect(await tool.validate({ path: "a" }, validationContext)).toEqual({ valid: true, input: { path: "a" } })
  expect(await tool.validate({ path: 3 }, validationContext)).toMatchObject({
    valid: false,
    message: expect.stringContaining("path"),
  })
})

it("leaves the input to the server if its schema cannot be compiled", async () => {
  const inputSchema = { type: "object", properties: { a: { $ref: "#/$defs/nowhere" } } } as const
  const { tool } = toolOf({ inputSchema })
  expect(await tool.validate({ a: 1 }, validationContext)).toEqual({ valid: true, input: { a: 1 } })
})

it("replaces the session id that the model may have invented", async () => {
  const inputSchema: Schema = {
    type: "object",
    properties: { _session_id: { type: "string" }, a: {} },
    required: ["_session_id", "a"],
  }
  const { tool, calls } = toolOf({ inputSchema }, {}, { sessionInjectServers: ["files"] })
  expect(tool.inputSchema).toEqual({ type: "object", properties: { a: {} }, required: ["a"] })
  await tool.execute({ a: 1, _session_id: "another's" }, context())
  expect(calls[0]?.input).toEqual({ a: 1, _session_id: "sess_1" })
})

it("hides the fields to strip from the model, and removes them from the model's input", async () => {
  const inputSchema: Schema = {
    type: "object",
    properties: { tenant_key: { type: "string" }, a: {} },
    required: ["tenant_key", "a"],
  }
  const given = { stripInputFields: ["tenant_key", "_session_id"], sessionInjectServers: ["files"] }
  const { tool, calls } = toolOf({ inputSchema }, {}, given)
  expect(tool.inputSchema).toEqual({ type: "object", properties: { a: {} }, required: ["a"] })
  expect(await tool.validate({ a: 1 }, validationContext)).toEqual({ valid: true, input: { a: 1 } })
  await tool.execute({ a: 1, tenant_key: "another's", _session_id: "another's" }, context())
  expect(calls[0]?.input).toEqual({ a: 1, _session_id: "sess_1" })
})

function context(emit: ToolContext["emit"] = () => undefined): ToolContext {
  return {
    signal: new AbortController().signal,
    session: { id: "sess_1", tenant: "test", userId: "ada", channel: null },
    context: {},
    runId: "run_1",
    toolCallId: "call_1",
    idempotencyKey: "call_1",
    traceparent: null,
    answered: null,
    tasks: noTasks,
    ask: () => Promise.reject(new Error("No one can be asked in this run.")),
    emit,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  }
}

it("leaves out optional arguments that are null if the schema does not allow null", async () => {
  const inputSchema: Schema = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: ["string", "null"] }, c: { type: "string" } },
    required: ["c"],
  }
  const { tool } = toolOf({ inputSchema })
  const validate = (input: JsonObject) => tool.validate(input, validationContext)
  expect(await validate({ a: null, c: "x" })).toEqual({ valid: true, input: { c: "x" } })
  // If the schema allows null, null may have a meaning.
  expect(await validate({ b: null, c: "x" })).toEqual({ valid: true, input: { b: null, c: "x" } })
  expect(await validate({ a: null, c: null })).toMatchObject({ valid: false })
  expect(await validate({ a: 1, c: "x" })).toMatchObject({ valid: false })
})
