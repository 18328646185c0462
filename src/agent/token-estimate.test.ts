import { expect, it } from "vitest"
import type { Message } from "../core/messages.ts"
import type { ToolResult } from "../core/ports/tool.ts"
import { estimateInput, plainBytes } from "./token-estimate.ts"

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

it("images are not counted by their bytes, wherever they are", () => {
  const messages = [
    { role: "user", content: [image, image] } as const,
    resultOf({ type: "content", content: [image] }),
  ]
  expect(estimateInput(request(...messages))).toBeGreaterThanOrEqual(15_000)
  expect(estimateInput(request(...messages))).toBeLessThan(16_000)
  expect(plainBytes(request(...messages))).toBeLessThan(600)
})

it("data of a tool that calls itself an image is counted as the text that it is", () => {
  expect(estimateInput(request(resultOf({ type: "json", value: image })))).toBeGreaterThan(30_000)
})
