import { expect, it } from "vitest"
import type { Message } from "../../core/messages.ts"
import type { ToolResult } from "../../core/ports/tool.ts"
import { estimateInput, plainBytes } from "./estimate-tokens.ts"

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
  expect(await plainBytes(request(...messages))).toBeLessThan(600)
})

it("data of a tool that calls itself an image is counted as the text that it is", async () => {
  expect(await estimateInput(request(resultOf({ type: "json", value: image })))).toBeGreaterThan(30_000)
})

it("lets the event loop go on while it counts a long conversation", async () => {
  const part = { type: "text", text: "word ".repeat(10_000) } as const
  const messages = Array.from({ length: 100 }, () => ({ role: "user", content: [part] }) as const)
  let turns = 0
  let ended = false
  const count = () => {
    turns += 1
    if (!ended) setImmediate(count)
  }
  setImmediate(count)
  const tokens = await estimateInput(request(...messages))
  ended = true
  expect(tokens).toBeGreaterThan(1_600_000)
  expect(turns).toBeGreaterThanOrEqual(15)
})
