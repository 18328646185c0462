import { describe, expect, it } from "vitest"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { addDeclaredTools, createDeclaredTool } from "./client-tools.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const ownTool = (name: string): Tool => ({
  ...{ name, description: name, inputSchema: { type: "object" } },
  validate: async (input) => ({ valid: true, input }),
  execute: async () => ({ type: "json", value: null }),
})
const specification = (name: string) => ({ name, description: name, inputSchema: { type: "object" } })

describe("tools that a client declares", () => {
  it("are executed by the client, with input that matches their schema", async () => {
    const tool = createDeclaredTool(specification("locate"))
    expect(tool).toMatchObject({
      name: "locate",
      executionLocation: "client",
      inputSchema: { type: "object" },
    })
    const schemas: unknown[] = []
    const session = { id: "sess_1", tenant: "acme", userId: "ann" }
    const checked = await tool.validate(
      { a: 1 },
      {
        session,
        signal: new AbortController().signal,
        checkSchema: async (schema, input, { owner }) => {
          schemas.push([schema, owner])
          return { valid: true, input }
        },
      },
    )
    expect(checked).toEqual({ valid: true, input: { a: 1 } })
    expect(schemas).toEqual([[{ type: "object" }, session]])
  })

  it("follow the agent's own tools, and give way to a tool that the agent gets later", () => {
    let own = [ownTool("look")]
    const all = addDeclaredTools(() => own, [specification("locate"), specification("look")], logger)
    const first = all()
    expect(first.map(({ name, executionLocation }) => [name, executionLocation])).toEqual([
      ["look", undefined],
      ["locate", "client"],
    ])
    expect(all()).toBe(first)
    own = [...own, ownTool("locate")]
    expect(all().map(({ executionLocation }) => executionLocation)).toEqual([undefined, undefined])
  })

  it("change nothing if there are none", () => {
    const own = () => []
    expect(addDeclaredTools(own, [], logger)).toBe(own)
  })
})
