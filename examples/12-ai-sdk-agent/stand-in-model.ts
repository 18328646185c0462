import { MockLanguageModelV4, simulateReadableStream } from "ai/test"

type Result = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>
type Part = Result["stream"] extends ReadableStream<infer Value> ? Value : never
type Prompt = Parameters<MockLanguageModelV4["doStream"]>[0]["prompt"]

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
}

/**
 * Simulates a model, so that the example runs without a key. For "order 3 kettle" it orders, and for "count" it
 * counts.
 */
export const standInModel = new MockLanguageModelV4({
  provider: "stand-in",
  modelId: "stand-in",
  async doStream({ prompt }) {
    const parts = answerTo(prompt)
    const reason = parts.some(({ type }) => type === "tool-call") ? "tool-calls" : "stop"
    const chunks: Part[] = [
      { type: "stream-start", warnings: [] },
      ...parts,
      { type: "finish", finishReason: { unified: reason, raw: undefined }, usage },
    ]
    return { stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: 20 }) }
  },
})

function answerTo(prompt: Prompt): readonly Part[] {
  const last = prompt.at(-1)
  if (last?.role === "tool") {
    const [result] = last.content
    return spoken(`The shop says: ${result?.type === "tool-result" ? JSON.stringify(result.output) : ""}`)
  }
  const said =
    last?.role === "user" ? last.content.map((part) => (part.type === "text" ? part.text : "")) : []
  const [, pieces, product] = /order (\d+) (\w+)/i.exec(said.join("")) ?? []
  if (product !== undefined) {
    const input = JSON.stringify({ product, pieces: Number(pieces) })
    const toolCallId = crypto.randomUUID()
    return [
      ...spoken(`I order ${product}.`),
      { type: "tool-call", toolCallId, toolName: "place_order", input },
    ]
  }
  if (said.join("").includes("count"))
    return spoken(Array.from({ length: 500 }, (_, index) => index).join(" "))
  return spoken('I only play a model. Say "order 3 kettle".')
}

function spoken(text: string): readonly Part[] {
  const id = "text"
  const words = text.split(/(?<= )/)
  return [
    { type: "text-start", id },
    ...words.map((delta): Part => ({ type: "text-delta", id, delta })),
    { type: "text-end", id },
  ]
}
