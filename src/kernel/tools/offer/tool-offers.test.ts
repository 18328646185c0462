import { expect, test, vi } from "vitest"
import type { Provider } from "../../../core/ports/model/provider.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { tool } from "../local-tool.ts"
import { createToolChangeLog, createToolCheck, createToolOffers, type ReportedChange } from "./tool-offers.ts"

const add = tool({ name: "add", description: "Adds.", inputSchema: { type: "object" }, execute: () => null })
const nameless: Tool = { ...add, name: "" }
const strict: Provider = { ...scriptedProvider([]), name: "strict", toolRules: { longestDescription: 40 } }
const long: Tool = { ...add, description: "x".repeat(50) }

test("an offer is created once for each provider, until the tools change", () => {
  const changes: ReportedChange[] = []
  let tools: readonly Tool[] = [add, nameless]
  const offers = createToolOffers(
    () => tools,
    (change) => changes.push(change),
  )
  const first = offers(strict)
  expect(first).toEqual([{ name: "add", description: "Adds.", inputSchema: { type: "object" } }])
  expect(offers(strict)).toBe(first)
  expect(offers(scriptedProvider([]))).toHaveLength(1)
  expect(changes).toMatchObject([
    { provider: "strict", tool: "", action: "left_out" },
    { provider: "scripted", tool: "", action: "left_out" },
  ])
  tools = [long]
  expect(offers(strict)).toHaveLength(1)
  expect(changes.at(-1)).toMatchObject({ provider: "strict", tool: "add", action: "changed" })
})

test("a change is logged once for any number of runs", () => {
  const warn = vi.fn()
  const report = createToolChangeLog({ debug() {}, info() {}, warn, error() {} })
  for (let run = 0; run < 3; run++) createToolOffers(() => [long, nameless], report)(strict)
  expect(warn.mock.calls).toEqual([
    [expect.objectContaining({ provider: "strict", tool: "add" }), expect.stringContaining("changed form")],
    [
      expect.objectContaining({ provider: "strict", tool: "" }),
      expect.stringContaining("does not see a tool"),
    ],
  ])
})

test("the check of the tools fails when one is left out", () => {
  const change = { provider: "strict", tool: "add", action: "changed", reason: "It is long." } as const
  expect(createToolCheck([])).toEqual({ ok: true })
  expect(createToolCheck([change])).toEqual({ ok: true, detail: '"add" is changed for strict: It is long.' })
  expect(createToolCheck([change, { ...change, action: "left_out" }])).toMatchObject({ ok: false })
})
