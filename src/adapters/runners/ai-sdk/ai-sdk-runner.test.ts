import { isStepCount, streamText, ToolLoopAgent, tool } from "ai"
import { MockLanguageModelV4 } from "ai/test"
import { describe, expect, it, vi } from "vitest"
import { z } from "zod"
import type { RunnerEvent } from "../../../core/runs/runner.ts"
import { createSpoken, createToolCall, type Prompt, scriptedModel } from "../fixtures/ai-sdk-model.ts"
import { collect, createDecidedRequest, createRequest, outline } from "../fixtures/runner-calls.ts"
import { aiSdkRunner } from "./ai-sdk-runner.ts"

const payCall = createToolCall("pay_1", "pay", { amount: 9 })
const lookCall = createToolCall("look_1", "look", {})

/** Returns an agent that makes these calls and then responds. Calling this again simulates a new process. */
function payingAgent(calls = [payCall]) {
  const prompts: Prompt[] = []
  const model = scriptedModel((prompt) => {
    prompts.push(prompt)
    if (prompt.at(-1)?.role === "tool") return createSpoken("text", "All ", "done.")
    return [...createSpoken("reasoning", "Hm"), ...createSpoken("text", "I ", "pay."), ...calls]
  })
  const pay = vi.fn(async ({ amount }: { amount: number }) => ({ paid: amount }))
  const look = vi.fn(async (): Promise<unknown> => "seen")
  const tools = {
    pay: tool({ inputSchema: z.object({ amount: z.number() }), execute: pay }),
    look: tool({ inputSchema: z.object({}), execute: look }),
  }
  const toolApproval = { pay: { type: "user-approval", reason: "It costs money." } } as const
  const agent = new ToolLoopAgent({ model, tools, toolApproval })
  return { model, tools, toolApproval, runner: aiSdkRunner(agent, { priceList: "test" }), pay, look, prompts }
}

const resultsOf = (events: readonly RunnerEvent[]) =>
  events.flatMap((event) => (event.type === "toolResult" ? [event.result] : []))

describe("an agent of the AI SDK", () => {
  it("reports its text, thinking, calls, results and usage", async () => {
    const { runner } = payingAgent([lookCall])
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual([
      "thinking Hm",
      "I pay.",
      "call look",
      "toolResult",
      "usage",
      "All done.",
      "usage",
    ])
    expect(resultsOf(events)).toEqual([{ type: "json", value: "seen" }])
    expect(events.at(-1)).toEqual({
      type: "usage",
      usage: { inputTokens: 4, outputTokens: 3, cacheCreationInputTokens: 1, cacheReadInputTokens: 5 },
      model: "test-model",
      priceList: "test",
    })
  })

  it("executes no tool before its call is taken from the stream", async () => {
    const { runner, look } = payingAgent([lookCall])
    const executedWhenReported: number[] = []
    for await (const event of runner(createRequest())) {
      if (event.type !== "toolCall") continue
      await new Promise((resolve) => setTimeout(resolve, 20))
      executedWhenReported.push(look.mock.calls.length)
    }
    expect(executedWhenReported).toEqual([0])
    expect(look).toHaveBeenCalledOnce()
  })

  it("requests approvals after everything else is done", async () => {
    const { runner, pay } = payingAgent([payCall, lookCall])
    const events = await collect(runner, createRequest())
    expect(outline(events).slice(2)).toEqual(["call look", "toolResult", "usage", "state", "ask pay"])
    expect(events.at(-1)).toMatchObject({
      id: "pay_1",
      input: { amount: 9 },
      approval: { reason: "It costs money.", inputSchema: { required: ["amount"] } },
    })
    expect(pay).not.toHaveBeenCalled()
  })

  it("continues in another process with the allowed calls, and with edited arguments", async () => {
    const asked = await collect(payingAgent().runner, createRequest())
    const { runner, pay, prompts } = payingAgent()
    const events = await collect(
      runner,
      createDecidedRequest(asked, [{ id: "pay_1", editedInput: { amount: 1 } }]),
    )
    expect(pay.mock.calls.map(([input]) => input)).toEqual([{ amount: 1 }])
    expect(outline(events)).toEqual(["toolResult", "All done.", "usage"])
    expect(JSON.stringify(prompts)).not.toContain('"amount":9')
  })

  it("receives the reason of a denial", async () => {
    const { runner, pay, prompts } = payingAgent()
    const asked = await collect(runner, createRequest())
    await collect(
      runner,
      createDecidedRequest(asked, [{ id: "pay_1", approved: false, reason: "too expensive" }]),
    )
    expect(pay).not.toHaveBeenCalled()
    expect(prompts[1]?.at(-1)).toMatchObject({
      content: [{ output: { type: "execution-denied", reason: "This call was denied: too expensive" } }],
    })
  })

  it("applies each of several decisions to its own call", async () => {
    const { runner, pay } = payingAgent([payCall, createToolCall("pay_2", "pay", { amount: 2 })])
    const asked = await collect(runner, createRequest())
    await collect(runner, createDecidedRequest(asked, [{ id: "pay_1", approved: false }, { id: "pay_2" }]))
    expect(pay.mock.calls.map(([input]) => input)).toEqual([{ amount: 2 }])
  })

  it("may be streamText itself", async () => {
    const { model, tools, toolApproval, pay } = payingAgent()
    const runner = aiSdkRunner((call) =>
      streamText({ model, tools, toolApproval, stopWhen: isStepCount(3), ...call }),
    )
    const asked = await collect(runner, createRequest())
    const events = await collect(runner, createDecidedRequest(asked, [{ id: "pay_1" }]))
    expect(pay).toHaveBeenCalledOnce()
    expect(outline(events)).toEqual(["toolResult", "All done.", "usage"])
  })

  it("continues after a tool that throws", async () => {
    const { runner, look } = payingAgent([lookCall])
    look.mockRejectedValue(new Error("It is dark."))
    const events = await collect(runner, createRequest())
    expect(resultsOf(events)).toEqual([{ type: "error", code: "tool_failed", message: "It is dark." }])
    expect(outline(events)).toContain("All done.")
  })

  it("receives the conversation, with calls and results", async () => {
    const { runner, prompts } = payingAgent([lookCall])
    const call = { type: "toolCall", toolCallId: "call_1", name: "look", input: {} } as const
    const image = { type: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" } as const
    await collect(
      runner,
      createRequest({
        messages: [
          { role: "user", content: [{ type: "text", text: "Look." }] },
          { role: "assistant", content: [{ type: "thinking", text: "Hm" }, call] },
          { role: "tool", results: [{ toolCallId: "call_1", result: { type: "json", value: { seen: 1 } } }] },
          { role: "user", content: [{ type: "image", source: image }] },
        ],
      }),
    )
    expect(prompts[0]).toMatchObject([
      { role: "user", content: [{ type: "text", text: "Look." }] },
      { role: "assistant", content: [{ type: "tool-call", toolCallId: "call_1", toolName: "look" }] },
      { role: "tool", content: [{ toolName: "look", output: { type: "json", value: { seen: 1 } } }] },
      { role: "user", content: [{ type: "file", mediaType: "image/png" }] },
    ])
  })

  it("fails with the kind of its error, without its message", async () => {
    const model = scriptedModel(() => {
      throw Object.assign(new RangeError("key sk-123 is wrong"), { statusCode: 401 })
    })
    const runner = aiSdkRunner((call) => streamText({ model, maxRetries: 0, onError: () => {}, ...call }))
    await expect(collect(runner, createRequest())).rejects.toMatchObject({
      code: "agent_failed",
      message: "The agent failed: RangeError (a service answered 401).",
    })
  })

  it("ends its stream if the gateway takes no further events", async () => {
    const ended = vi.fn()
    async function* speak() {
      try {
        for (;;) yield { type: "text-delta", text: "a" }
      } finally {
        ended()
      }
    }
    const runner = aiSdkRunner(() => ({ stream: speak(), responseMessages: Promise.resolve([]) }))
    for await (const _ of runner(createRequest())) break
    expect(ended).toHaveBeenCalledOnce()
  })

  it("ends when the signal aborts", async () => {
    const stop = new AbortController()
    const silent = new MockLanguageModelV4({
      doStream: async () => ({
        stream: new ReadableStream({
          start: (controller) => {
            for (const part of createSpoken("text", "I ", "think").slice(0, 2)) controller.enqueue(part)
          },
        }),
      }),
    })
    const runner = aiSdkRunner((call) => streamText({ model: silent, ...call }))
    const events: RunnerEvent[] = []
    for await (const event of runner(createRequest({ signal: stop.signal }))) {
      events.push(event)
      stop.abort()
    }
    expect(outline(events)).toEqual(["I "])
  })
})
