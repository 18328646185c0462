import { setTimeout as sleep } from "node:timers/promises"
import type { Model, ModelRequest, StreamEvent } from "@openai/agents"

type Done = Extract<StreamEvent, { type: "response_done" }>["response"]

const usage = { inputTokens: 100, outputTokens: 20, totalTokens: 120 }

/**
 * Simulates a model, so that the example runs without a key. For "order 3 kettle" it orders, and for "count" it
 * counts.
 */
export const standInModel: Model = {
  getResponse: () => Promise.reject(new Error("The stand-in only streams.")),
  async *getStreamedResponse({ input, signal }: ModelRequest): AsyncIterable<StreamEvent> {
    const { text, call } = answerTo(input)
    for (const delta of text.split(/(?<= )/)) {
      await sleep(20, undefined, signal === undefined ? {} : { signal })
      yield { type: "output_text_delta", delta }
    }
    const content = [{ type: "output_text" as const, text }]
    const message = { type: "message", role: "assistant", status: "completed", content } as const
    const response: Done = {
      id: crypto.randomUUID(),
      usage,
      output: call === null ? [message] : [message, call],
    }
    yield { type: "response_done", response }
  },
}

function answerTo(input: ModelRequest["input"]): {
  readonly text: string
  readonly call: Done["output"][number] | null
} {
  const last = typeof input === "string" ? undefined : input.at(-1)
  if (last?.type === "function_call_result") {
    return { text: `The shop says: ${JSON.stringify(last.output)}`, call: null }
  }
  const said = JSON.stringify(last ?? input)
  const [, pieces, product] = /order (\d+) (\w+)/i.exec(said) ?? []
  if (product !== undefined) {
    const order = JSON.stringify({ product, pieces: Number(pieces) })
    const callId = crypto.randomUUID()
    const call = { type: "function_call", callId, name: "place_order", arguments: order } as const
    return { text: `I order ${product}.`, call: { ...call, status: "completed" } }
  }
  if (said.includes("count"))
    return { text: Array.from({ length: 500 }, (_, index) => index).join(" "), call: null }
  return { text: 'I only play a model. Say "order 3 kettle".', call: null }
}
