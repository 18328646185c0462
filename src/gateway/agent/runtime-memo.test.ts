import { expect, it } from "vitest"
import type { Provider, ToolSpecification } from "../../core/ports/model/provider.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { resolveChatRuntime } from "../options/runtime-options.ts"
import { createRuntimeMemo } from "./runtime-memo.ts"

const provider: Provider = scriptedProvider([])
const systemPrompt = [{ text: "You help." }]

/** Returns a tool that counts the conversions of its schema to JSON. */
function countedTool(name = "look_up") {
  let count = 0
  const inputSchema = { type: "object" }
  const toJSON = () => {
    count += 1
    return { type: "object" }
  }
  Object.defineProperty(inputSchema, "toJSON", { value: toJSON })
  const tool: ToolSpecification = { name, description: "Looks.", inputSchema }
  return { tool, count: () => count }
}

it("hashes a definition once while its parts stay the same", () => {
  const memo = createRuntimeMemo()
  const { tool, count } = countedTool()
  const models = [{ provider, model: "large" }]
  const first = memo.revisionOf({ systemPrompt, models, tools: [tool] })
  for (let run = 0; run < 5; run++) {
    const same = {
      systemPrompt: [{ ...systemPrompt[0], text: "You help." }],
      models: [...models],
      tools: [{ ...tool }],
    }
    expect(memo.revisionOf(same)).toBe(first)
  }
  expect(count()).toBe(1)
})

it("has another revision for another prompt, model or tool, and the first one for the first definition", () => {
  const memo = createRuntimeMemo()
  const { tool } = countedTool()
  const agent = { systemPrompt, models: [{ provider, model: "large" }], tools: [tool] }
  const others = [
    { ...agent, systemPrompt: [{ text: "You help." }, { text: "Be brief." }] },
    { ...agent, systemPrompt: [{ text: "You help.", cache: true }] },
    { ...agent, models: [{ provider, model: "small" }] },
    { ...agent, models: [{ provider: { ...provider, name: "other" }, model: "large" }] },
    { ...agent, tools: [] },
    { ...agent, tools: [{ ...tool, description: "Looks twice." }] },
    { ...agent, tools: [{ ...tool, inputSchema: { type: "object", properties: {} } }] },
    { ...agent, tools: [tool, countedTool("other").tool] },
  ]
  const revisions = [agent, ...others].map((each) => memo.revisionOf(each))
  expect(new Set(revisions).size).toBe(revisions.length)
  expect([agent, ...others].map((each) => createRuntimeMemo().revisionOf(each))).toEqual(revisions)
  expect([agent, ...others].map((each) => memo.revisionOf(each))).toEqual(revisions)
})

it("remembers a bounded number of definitions", () => {
  const memo = createRuntimeMemo()
  const { tool, count } = countedTool()
  const of = (model: string) =>
    memo.revisionOf({ systemPrompt, models: [{ provider, model }], tools: [tool] })
  for (let model = 0; model < 100; model++) of(`${model}`)
  expect(count()).toBe(100)
  of("99")
  expect(count()).toBe(100)
  of("0")
  expect(count()).toBe(101)
})

it("converts the tools for each provider once, and again when one changes", () => {
  const memo = createRuntimeMemo()
  const { tool } = countedTool()
  const first = memo.offer([tool], provider)
  expect(memo.offer([{ ...tool }], provider)).toBe(first)
  const strict: Provider = { ...provider, toolRules: { mostTools: 0 } }
  expect(memo.offer([tool], strict).tools).toEqual([])
  const changed = { ...tool, inputSchema: { type: "object", title: "Other" } }
  expect(memo.offer([changed], provider).tools).toMatchObject([{ inputSchema: { title: "Other" } }])
  expect(memo.offer([tool, countedTool("other").tool], provider).tools).toHaveLength(2)
  expect(memo.offer([tool], provider).tools).toHaveLength(1)
})

it("builds the parts that depend on the options once for each options object", () => {
  const memo = createRuntimeMemo()
  const options = () => {
    const chat = resolveChatRuntime({ systemPrompt: "You help.", maxTurns: 3 })
    if ("runner" in chat) throw new Error("This is a runner.")
    return chat
  }
  const chat = options()
  expect(memo.optionParts(chat)).toBe(memo.optionParts(chat))
  expect(memo.optionParts(chat).limits).toMatchObject({ maxTurns: 3 })
  expect(memo.optionParts(options())).not.toBe(memo.optionParts(chat))
})
