import { expect, it } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import { createSchemaChecker } from "../../../kernel/tools/schema-check/schema-checker.ts"
import { toServerConfigs } from "../config/server-config.ts"
import { createNamespaces } from "../names/namespaces.ts"
import type { ServerHandle } from "../server.ts"
import { createToolList } from "./tool-list.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

function server(
  name: string,
  tools: readonly string[],
  schema: JsonObject & { readonly type: "object" } = { type: "object" },
): ServerHandle {
  const defaults = {
    defaultToolTimeoutMs: 30_000,
    timeoutOverrides: {},
    sessionInjectServers: [],
    stripInputFields: [],
    environment: {},
  }
  const [config] = toServerConfigs({ [name]: { command: "x" } }, defaults)
  if (config === undefined) throw new Error("There is one server.")
  return {
    config,
    state: { status: "ready", tools: tools.length },
    tools: tools.map((tool) => ({ name: tool, inputSchema: schema })),
    instructions: null,
    settled: async () => undefined,
    use: () => Promise.reject(new Error("not asked for")),
    call: () => Promise.reject(new Error("not asked for")),
  }
}

const namesOf = (...servers: readonly ServerHandle[]) =>
  createToolList(servers, {
    logger,
    checkSchema: createSchemaChecker().check,
    namespaces: createNamespaces(servers.map(({ config }) => config.name)),
  })
    .tools([])
    .map(({ name }) => name)

it("offers a tool once that a server lists repeatedly, because providers refuse equal names", () => {
  expect(namesOf(server("a", ["read", "read", "write", "read"]))).toEqual(["read", "write"])
  expect(namesOf(server("a", ["read", "read"]), server("b", ["read"]))).toEqual(["a__read", "b__read"])
})

it("leaves out a tool whose schema is nested too deeply for a model", () => {
  const levels = 100_000
  const items = JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as JsonObject
  expect(namesOf(server("a", ["deep"], { type: "object", items }), server("b", ["read"]))).toEqual(["read"])
})
