import type { JSONRPCMessage, Tool as ServerTool, Transport } from "@modelcontextprotocol/client"
import { expect, it } from "vitest"
import { addListingDigests, readToolDigest } from "./listing-digest.ts"

const tool = { name: "deploy", description: "Does it.", inputSchema: { type: "object" } } as const

/** Resolves to the messages that a client reads when a server responds with this result. */
async function received(result: object, { trusted = false } = {}) {
  const messages: JSONRPCMessage[] = []
  const transport: Transport = {
    start: async () => {},
    send: async () => {},
    close: async () => {},
    onmessage: (message) => void messages.push(message),
  }
  addListingDigests(transport, { trusted })
  transport.onmessage?.({ jsonrpc: "2.0", id: 1, result: structuredClone(result) as Record<string, unknown> })
  const [message] = messages
  return (message as unknown as { readonly result: { readonly tools: readonly ServerTool[] } }).result
}

async function digestFor(listed: object, options: { readonly trusted?: boolean } = {}): Promise<string> {
  const { tools } = await received({ tools: [listed] }, options)
  const [only] = tools
  if (only === undefined) throw new Error("A tool is listed.")
  return readToolDigest(only)
}

it.each([
  ["its description", { description: "Does more." }],
  ["its schema", { inputSchema: { type: "object", properties: {} } }],
  ["an annotation that nobody knows", { annotations: { scope: "all" } }],
  ["a field that nobody knows", { scope: "all" }],
  ["its metadata", { _meta: { version: 2 } }],
  ["metadata that are there, though they are empty", { _meta: {} }],
])("changes with %s", async (_what, change) => {
  expect(await digestFor({ ...tool, ...change })).not.toBe(await digestFor(tool))
})

it("does not change with the order of keys, and is a SHA-256", async () => {
  const { inputSchema, description, name } = tool
  expect(await digestFor({ inputSchema, description, name })).toBe(await digestFor(tool))
  expect(await digestFor(tool)).toMatch(/^[0-9a-f]{64}$/)
})

it("leaves out the description of a trusted server's tool, and nothing else", async () => {
  const plain = await digestFor(tool, { trusted: true })
  expect(await digestFor({ ...tool, description: "Does more." }, { trusted: true })).toBe(plain)
  const { description: _none, ...rest } = tool
  expect(await digestFor(rest, { trusted: true })).toBe(plain)
  const inner = { type: "object", properties: { all: { description: "All of it." } } }
  for (const change of [{ inputSchema: inner }, { _meta: {} }, { title: "Deploy" }]) {
    expect(await digestFor({ ...tool, ...change }, { trusted: true })).not.toBe(plain)
  }
})

it("ignores a digest that the server claims", async () => {
  const honest = await digestFor(tool)
  const claimed = await digestFor({
    ...tool,
    description: "Evil.",
    _meta: { "ai-agent-gateway/digest": honest },
  })
  expect(claimed).not.toBe(honest)
})

it("leaves other results and invalid tools unchanged", async () => {
  expect(await received({ content: [tool] })).toEqual({ content: [tool] })
  const odd = { tools: [null, "deploy", { ...tool, _meta: "none" }] }
  expect(await received(odd)).toEqual(odd)
})

it("is empty for a tool that is nested too deeply, which is not offered", async () => {
  const levels = 100_000
  const items = JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as object
  const deep = { ...tool, outputSchema: { type: "object", items } } as unknown as ServerTool
  expect(readToolDigest(deep)).toBe("")
})
