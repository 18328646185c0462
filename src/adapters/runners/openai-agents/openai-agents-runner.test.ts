import { Agent, RunState, run, setTracingDisabled, tool } from "@openai/agents"
import { beforeAll, describe, expect, it, vi } from "vitest"
import { z } from "zod"
import type { RunnerEvent } from "../../../core/runs/runner.ts"
import {
  createFunctionCall,
  createMessage,
  type OutputItem,
  scriptedModel,
} from "../fixtures/openai-agents-model.ts"
import { collect, createDecidedRequest, createRequest, outline } from "../fixtures/runner-calls.ts"
import { openAiAgentsRunner } from "./openai-agents-runner.ts"

beforeAll(() => setTracingDisabled(true))

/** Returns an agent that makes these calls and then responds. Calling this again simulates a new process. */
function payingAgent(calls: readonly OutputItem[] = [createFunctionCall("pay_1", "pay", { amount: 9 })]) {
  const pay = vi.fn(async ({ amount }: { amount: number }) => ({ paid: amount }))
  const { model, inputs } = scriptedModel((input) =>
    input.some(({ type }) => type === "function_call_result")
      ? [createMessage("All done.")]
      : [createMessage("I pay."), ...calls],
  )
  const tools = [
    tool({
      name: "pay",
      description: "Pays.",
      parameters: z.object({ amount: z.number() }),
      needsApproval: true,
      execute: pay,
    }),
    tool({ name: "look", description: "Looks.", parameters: z.object({}), execute: async () => "seen" }),
  ]
  const runner = openAiAgentsRunner(new Agent({ name: "payer", model, tools }), {
    run,
    RunState,
    qualifier: (toolName) => `${toolName}!`,
  })
  return { runner, pay, inputs }
}

const resultsOf = (events: readonly RunnerEvent[]) => events.filter(({ type }) => type === "toolResult")

describe("an agent of the OpenAI Agents SDK", () => {
  it("reports its text, calls, results and usage", async () => {
    const { runner } = payingAgent([createFunctionCall("look_1", "look", {})])
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["I pay.", "usage", "call look", "toolResult", "All done.", "usage"])
    expect(resultsOf(events)).toEqual([
      { type: "toolResult", id: "look_1", result: { type: "json", value: "seen" } },
    ])
    expect(events.find(({ type }) => type === "usage")).toEqual({
      type: "usage",
      usage: { inputTokens: 6, outputTokens: 5, cacheCreationInputTokens: 0, cacheReadInputTokens: 4 },
      model: "gpt-test",
      priceList: "openai",
    })
  })

  it("requests approvals after everything else is done", async () => {
    const { runner, pay } = payingAgent([
      createFunctionCall("pay_1", "pay", { amount: 9 }),
      createFunctionCall("look_1", "look", {}),
    ])
    const events = await collect(runner, createRequest())
    expect(outline(events).slice(-4)).toEqual(["call look", "toolResult", "state", "ask pay"])
    expect(events.at(-1)).toMatchObject({
      id: "pay_1",
      input: { amount: 9 },
      approval: { qualifier: "pay!", inputSchema: { required: ["amount"] } },
    })
    expect(pay).not.toHaveBeenCalled()
  })

  it("continues in another process with the allowed calls, and with edited arguments", async () => {
    const asked = await collect(payingAgent().runner, createRequest())
    const { runner, pay, inputs } = payingAgent()
    const events = await collect(
      runner,
      createDecidedRequest(asked, [{ id: "pay_1", editedInput: { amount: 1 } }]),
    )
    expect(pay.mock.calls.map(([input]) => input)).toEqual([{ amount: 1 }])
    expect(outline(events)).toEqual(["toolResult", "All done.", "usage"])
    expect(inputs[0]).toContainEqual(expect.objectContaining({ callId: "pay_1", arguments: '{"amount":1}' }))
  })

  it("receives the reason of a denial", async () => {
    const { runner, pay, inputs } = payingAgent()
    const asked = await collect(runner, createRequest())
    const denied = { id: "pay_1", approved: false, reason: "too expensive" }
    const events = await collect(runner, createDecidedRequest(asked, [denied]))
    expect(pay).not.toHaveBeenCalled()
    expect(outline(events)).toEqual(["toolResult", "All done.", "usage"])
    const told = { type: "text", text: "This call was denied: too expensive" }
    expect(inputs[1]).toContainEqual(expect.objectContaining({ type: "function_call_result", output: told }))
  })

  it("applies each of several decisions to its own call", async () => {
    const twice = [
      createFunctionCall("pay_1", "pay", { amount: 1 }),
      createFunctionCall("pay_2", "pay", { amount: 2 }),
    ]
    const { runner, pay } = payingAgent(twice)
    const asked = await collect(runner, createRequest())
    expect(outline(asked).slice(-2)).toEqual(["ask pay", "ask pay"])
    await collect(runner, createDecidedRequest(asked, [{ id: "pay_1", approved: false }, { id: "pay_2" }]))
    expect(pay.mock.calls.map(([input]) => input)).toEqual([{ amount: 2 }])
  })

  it("receives the conversation, with calls and results", async () => {
    const { runner, inputs } = payingAgent()
    const call = { type: "toolCall", toolCallId: "call_1", name: "look", input: {} } as const
    await collect(
      runner,
      createRequest({
        messages: [
          { role: "user", content: [{ type: "text", text: "Look." }] },
          {
            role: "assistant",
            content: [{ type: "thinking", text: "Hm" }, { type: "text", text: "I look." }, call],
          },
          { role: "tool", results: [{ toolCallId: "call_1", result: { type: "json", value: { seen: 1 } } }] },
          {
            role: "user",
            content: [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }],
          },
        ],
      }),
    )
    expect(inputs[0]).toEqual([
      { role: "user", content: [{ type: "input_text", text: "Look." }] },
      expect.objectContaining({ role: "assistant", content: [{ type: "output_text", text: "I look." }] }),
      expect.objectContaining({ type: "function_call", callId: "call_1", name: "look", arguments: "{}" }),
      expect.objectContaining({
        type: "function_call_result",
        callId: "call_1",
        name: "look",
        output: '{"seen":1}',
      }),
      { role: "user", content: [{ type: "input_image", image: "https://example.com/a.png" }] },
    ])
  })

  it("fails with the kind of its error, without its message", async () => {
    const { model } = scriptedModel(() => {
      throw Object.assign(new RangeError("key sk-123 is wrong"), { status: 401 })
    })
    const runner = openAiAgentsRunner(new Agent({ name: "broken", model }), { run, RunState })
    await expect(collect(runner, createRequest())).rejects.toMatchObject({
      code: "agent_failed",
      message: "The agent failed: RangeError (a service answered 401).",
      detail: "key sk-123 is wrong",
    })
  })

  it("stops at the signal", async () => {
    const stop = new AbortController()
    const { model } = scriptedModel(() => [createMessage("one two three")])
    const runner = openAiAgentsRunner(new Agent({ name: "talker", model }), { run, RunState })
    const texts: unknown[] = []
    const talk = async () => {
      for await (const event of runner(createRequest({ signal: stop.signal }))) {
        texts.push(event)
        stop.abort()
      }
    }
    await talk().catch(() => {})
    expect(texts.length).toBeLessThan(4)
  })
})
