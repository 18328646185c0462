import { expect, it } from "vitest"
import type { Message } from "../../../core/history/messages.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { countPlainBytes, countUsage, estimateInput } from "./estimate-tokens.ts"
import { TokenSizes } from "./token-sizes.ts"

const request = (...messages: readonly Message[]) => ({
  model: "model",
  system: [],
  messages,
  tools: [],
  maxTokens: 1,
})
const resultOf = (result: ToolResult): Message => ({
  role: "tool",
  results: [{ toolCallId: "call", result }],
})
const image = {
  type: "image",
  source: { type: "base64", mediaType: "image/png", data: "A".repeat(90_000) },
} as const

it("images are not counted by their bytes, wherever they are", async () => {
  const messages = [
    { role: "user", content: [image, image] } as const,
    resultOf({ type: "content", content: [image] }),
  ]
  expect(await estimateInput(request(...messages))).toBeGreaterThanOrEqual(15_000)
  expect(await estimateInput(request(...messages))).toBeLessThan(16_000)
  expect(await countPlainBytes(request(...messages))).toBeLessThan(600)
})

it("tool data that claims to be an image is counted as text", async () => {
  expect(await estimateInput(request(resultOf({ type: "json", value: image })))).toBeGreaterThan(30_000)
})

/** Resolves to the number of turns of the event loop that the work took. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  const count = () => {
    turns += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  await work()
  clearImmediate(counting)
  return turns
}

it("yields to the event loop while it counts a long conversation", async () => {
  const part = { type: "text", text: "word ".repeat(10_000) } as const
  const messages = Array.from({ length: 100 }, () => ({ role: "user", content: [part] }) as const)
  let tokens = 0
  const turns = await turnsOf(async () => {
    tokens = await estimateInput(request(...messages))
  })
  expect(tokens).toBeGreaterThan(1_600_000)
  expect(turns).toBeGreaterThanOrEqual(15)
})

it("yields to the event loop while it measures many small messages", async () => {
  const messages = Array.from({ length: 5_000 }, () => resultOf({ type: "json", value: "word ".repeat(40) }))
  const sizes = new TokenSizes()
  expect(await turnsOf(() => sizes.measure(messages))).toBeGreaterThanOrEqual(10)
  expect(await turnsOf(() => sizes.measure(messages))).toBeLessThan(3)
})

it("leaves vendor data out of the plain bytes only", async () => {
  const plain = { role: "assistant", content: [{ type: "thinking", text: "Well." }] } as const
  const encrypted = {
    ...plain.content[0],
    vendor: { provider: "anthropic", data: { signature: "x".repeat(30_000) } },
  } as const
  const vendor = { role: "assistant", content: [encrypted] } as const
  expect(await estimateInput(request(vendor))).toBeGreaterThan(10_000)
  expect(await countPlainBytes(request(vendor))).toBeLessThan((await countPlainBytes(request(plain))) + 50)
})

it("yields to the event loop whenever it counts one large message", async () => {
  const text = "word ".repeat(800_000)
  const message = { role: "user", content: [{ type: "text", text }, image] } as const
  const sizes = new TokenSizes()
  expect(await turnsOf(() => sizes.measure([message]))).toBeGreaterThanOrEqual(25)
  expect(await turnsOf(() => sizes.measure([message]))).toBeLessThan(3)
  const whole = JSON.stringify({ ...message, content: [{ type: "text", text }, null] })
  expect(sizes.measureMessage(message)).toBe(Math.ceil(whole.length / 3) + 5_000)
})

it("a large message is counted once in its conversation", async () => {
  const large = request({ role: "user", content: [{ type: "text", text: 'x"'.repeat(2_000_000) }] })
  for (const countInput of [estimateInput, countPlainBytes]) {
    const known = new TokenSizes().messages
    const count = () => countInput(large, known)
    const first = await count()
    expect(await turnsOf(count)).toBeLessThan(5)
    expect(await count()).toBe(first)
  }
})

it("counts of reasoning tokens are part of a plausible output", async () => {
  const evidence = { inputTokens: async () => 1, plainInputBytes: null, outputBytes: 12 }
  const reported = { inputTokens: 3, outputTokens: 10, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
  const reasoningOf = async (reasoningTokens: number, outputTokens = 10) =>
    (await countUsage({ ...reported, outputTokens, reasoningTokens }, evidence)).usage.reasoningTokens
  expect(await Promise.all([reasoningOf(4), reasoningOf(99), reasoningOf(Number.NaN)])).toEqual([4, 10, 0])
  expect(await reasoningOf(4, Number.NaN)).toBeUndefined()
})
