import { afterEach, expect, it } from "vitest"
import type { Json } from "../core/json/json.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import type { ToolResult } from "../core/ports/tools/tool.ts"
import { silentLogger } from "../kernel/sessions/fixtures/test-gateway.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { content } from "../kernel/tools/tool-content.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

function lastResult({ messages }: ModelRequest): ToolResult | null {
  const last = messages.at(-1)
  return last?.role === "tool" ? (last.results[0]?.result ?? null) : null
}

/**
 * Returns an agent whose model calls `dump`, and then makes the calls that `next` returns for each result. Null ends
 * the run.
 */
function agentWith(
  value: unknown,
  next: (result: ToolResult, id: string) => Json | null,
  options: { readonly largeResults?: { readonly sessionBytes: number } } = {},
) {
  let id = ""
  const provider = scriptedProvider((request): readonly ScriptedStep[] => {
    const result = lastResult(request)
    if (result === null) return [{ type: "toolCall", name: "dump" }]
    id ||= /result_[0-9a-f]+/.exec(JSON.stringify(result))?.[0] ?? ""
    const input = next(result, id)
    if (input === null) return [{ type: "text", text: "Done." }]
    return [{ type: "toolCall", name: "tool_result_read", input: { id, ...(input as object) } }]
  })
  const dump = tool({
    name: "dump",
    description: "Returns much.",
    inputSchema: { type: "object" },
    execute: () => value as Json,
  })
  const gateway = createAgent("You help.", {
    store: "memory",
    provider,
    logger: silentLogger,
    tools: [dump],
    compaction: false,
    ...options,
  })
  gateways.push(gateway)
  return { gateway, provider }
}

function textsOf(result: ToolResult): readonly string[] {
  return result.type === "content"
    ? result.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
    : []
}

const megabytes20 = 20 * 1024 * 1024
const twentyMegabytes = `${"0123456789abcdeé".repeat(megabytes20 / 17)}THE END`
const parts = Array.from(
  { length: 200_000 },
  (_, index) => ({ type: "text", text: `part ${index}` }) as const,
)

it.each<[string, unknown, string]>([
  ["a text of 20 MB", twentyMegabytes, JSON.stringify(twentyMegabytes)],
  ["200 000 small parts", content(parts), parts.map(({ text }) => text).join("\n")],
  ["200 000 small values", parts.map((_, index) => index), JSON.stringify(parts.map((_, index) => index))],
])(
  "%s cost the model 4 kB until it reads more, and can be read to the last byte",
  async (_, value, whole) => {
    let read = ""
    const costs: number[] = []
    const { gateway } = agentWith(value, (result) => {
      costs.push(Buffer.byteLength(JSON.stringify(result)))
      const [header, page] = textsOf(result)
      if (page === undefined) return { offset: 0 }
      read += page
      const { next_offset: offset } = JSON.parse(header ?? "") as { readonly next_offset: number | null }
      return offset === null ? null : { offset }
    })
    const { response } = await gateway.run("Go.")
    expect(response).toBe("Done.")
    expect(costs[0]).toBeLessThanOrEqual(4_096)
    expect(read.length).toBe(whole.length)
    expect(read === whole).toBe(true)
  },
  120_000,
)

it("is searched by text and read by JSON Pointer, with a tool that is offered only after a large result", async () => {
  const value = {
    items: Array.from({ length: 20_000 }, (_, index) => ({ name: `name ${index}`, tags: [index] })),
  }
  const asked = [
    { search: "name 19999" },
    { pointer: "/items/12345/tags" },
    { pointer: "/items/x" },
    { pointer: "x" },
  ]
  const results: ToolResult[] = []
  const { gateway, provider } = agentWith(value, (result) => {
    results.push(result)
    return asked[results.length - 1] ?? null
  })
  await gateway.run("Go.")
  expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(["dump"])
  expect(provider.requests[1]?.tools.map(({ name }) => name)).toEqual(["dump", "tool_result_read"])
  const [, found, value12345, missing, wrong] = results
  expect(JSON.stringify(found)).toContain("name 19999")
  expect(textsOf(value12345 as ToolResult)[1]).toBe("[12345]")
  expect(missing).toMatchObject({ type: "error", code: "value_not_found" })
  expect(wrong).toMatchObject({ type: "error", code: "invalid_pointer" })
})

it("does not show the results of another session", async () => {
  const ids: string[] = []
  const { gateway } = agentWith("x".repeat(200_000), (result, id) => {
    ids.push(id)
    return result.type === "error" || textsOf(result).length === 2 ? null : { id: ids[0] ?? "" }
  })
  await gateway.run("Go.")
  const before = ids.length
  const other = agentWith("small", (result) => {
    return result.type === "error" ? null : { id: ids[before - 1] ?? "" }
  })
  const { response } = await other.gateway.run("Go.")
  expect(response).toBe("Done.")
})

it("truncates a result for which the session has no room", async () => {
  const results: ToolResult[] = []
  const options = { largeResults: { sessionBytes: 1_000 } }
  const next = (result: ToolResult) => {
    results.push(result)
    return null
  }
  await agentWith("x".repeat(200_000), next, options).gateway.run("Go.")
  expect(textsOf(results[0] as ToolResult)[0]).toContain("The result was truncated: 100000 of")
})
