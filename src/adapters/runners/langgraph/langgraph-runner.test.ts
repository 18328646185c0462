import { AIMessage, AIMessageChunk } from "@langchain/core/messages"
import { tool } from "@langchain/core/tools"
import {
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph"
import { ToolNode } from "@langchain/langgraph/prebuilt"
import { describe, expect, it, vi } from "vitest"
import { z } from "zod"
import type { RunnerEvent } from "../../../core/runs/runner.ts"
import { createCalling, createSpoken, ScriptedModel } from "../fixtures/langchain-model.ts"
import { collect, createDecidedRequest, createRequest, outline } from "../fixtures/runner-calls.ts"
import { langGraphRunner } from "./langgraph-runner.ts"

interface Call {
  readonly id: string
  readonly name: string
  readonly args: object
}

const payCall: Call = { id: "pay_1", name: "pay", args: { amount: 9 } }
const lookCall: Call = { id: "look_1", name: "look", args: {} }

interface Answer {
  readonly approved: boolean
  readonly input: { readonly amount: number } | null
  readonly reason: string | null
}

/**
 * Returns a graph that makes these calls and then responds. A second graph over the same checkpoints simulates a new
 * process.
 */
function payingGraph(calls = [payCall], checkpointer: BaseCheckpointSaver = new MemorySaver()) {
  const pay = vi.fn((amount: number) => ({ paid: amount }))
  const look = vi.fn((): unknown => "seen")
  const model = new ScriptedModel((messages) => {
    if (messages.at(-1)?.type === "tool") return createSpoken("All ", "done.")
    // Models never use the same call id twice in one conversation.
    const turn = messages.filter(({ type }) => type === "human").length
    const ofTurn = turn === 1 ? calls : calls.map((call) => ({ ...call, id: `${call.id}.${turn}` }))
    return [...createSpoken("I ", "pay."), createCalling(...ofTurn)]
  })
  const tools = [
    tool(
      (args) => {
        const answer = interrupt<unknown, Answer>({ tool: "pay", args, reason: "It costs money." })
        if (!answer.approved) throw new Error(`Not paid: ${answer.reason}`)
        return pay(answer.input?.amount ?? args.amount)
      },
      { name: "pay", description: "Pays.", schema: z.object({ amount: z.number() }) },
    ),
    tool(() => look(), { name: "look", description: "Looks.", schema: z.object({}) }),
  ]
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", ({ messages }) => {
      const last = messages.at(-1)
      return last instanceof AIMessageChunk && (last.tool_calls?.length ?? 0) > 0 ? "tools" : END
    })
    .addEdge("tools", "agent")
    .compile({ checkpointer })
  return {
    graph,
    runner: langGraphRunner(graph, { Command, priceList: "test" }),
    pay,
    look,
    model,
    checkpointer,
  }
}

const resultsOf = (events: readonly RunnerEvent[]) =>
  events.flatMap((event) => (event.type === "toolResult" ? [event.result] : []))

describe("a LangGraph graph", () => {
  it("reports its text, calls, results and usage", async () => {
    const { runner } = payingGraph([lookCall])
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["I pay.", "usage", "call look", "toolResult", "All done.", "usage"])
    expect(resultsOf(events)).toEqual([{ type: "json", value: "seen" }])
    expect(events.at(-1)).toEqual({
      type: "usage",
      usage: { inputTokens: 5, outputTokens: 3, cacheCreationInputTokens: 1, cacheReadInputTokens: 4 },
      model: "test-model",
      priceList: "test",
    })
  })

  it("asks the questions of an interrupt, for the call that it belongs to", async () => {
    const { runner, pay } = payingGraph()
    const events = await collect(runner, createRequest())
    expect(outline(events).slice(2)).toEqual(["call pay", "state", "ask pay"])
    expect(events.at(-1)).toMatchObject({
      id: "pay_1",
      input: { amount: 9 },
      approval: { reason: "It costs money." },
    })
    expect(pay).not.toHaveBeenCalled()
  })

  it("continues in another process with the allowed calls, and with edited arguments", async () => {
    const first = payingGraph()
    const asked = await collect(first.runner, createRequest())
    const { runner, pay } = payingGraph([payCall], first.checkpointer)
    const events = await collect(
      runner,
      createDecidedRequest(asked, [{ id: "pay_1", editedInput: { amount: 1 } }]),
    )
    expect(pay.mock.calls).toEqual([[1]])
    expect(outline(events)).toEqual(["toolResult", "All done.", "usage"])
    expect(resultsOf(events)).toEqual([{ type: "json", value: { paid: 1 } }])
  })

  it("receives the reason of a denial", async () => {
    const { runner, pay, model } = payingGraph()
    const asked = await collect(runner, createRequest())
    const denied = { id: "pay_1", approved: false, reason: "too expensive" }
    const events = await collect(runner, createDecidedRequest(asked, [denied]))
    expect(pay).not.toHaveBeenCalled()
    expect(resultsOf(events)).toMatchObject([{ type: "error", code: "tool_failed" }])
    expect(model.inputs[1]?.at(-1)?.text).toContain("Not paid: too expensive")
  })

  it("applies each of several decisions to its own call", async () => {
    const second = { id: "pay_2", name: "pay", args: { amount: 2 } }
    const { runner, pay } = payingGraph([payCall, second])
    const asked = await collect(runner, createRequest())
    const askedAgain = await collect(runner, createDecidedRequest(asked, [{ id: "pay_1" }]))
    expect(outline(askedAgain)).toEqual(["state", "ask pay"])
    expect(askedAgain.at(-1)).toMatchObject({ id: "pay_2", input: { amount: 2 } })
    const events = await collect(runner, createDecidedRequest(askedAgain, [{ id: "pay_2" }]))
    expect(resultsOf(events)).toEqual([
      { type: "json", value: { paid: 9 } },
      { type: "json", value: { paid: 2 } },
    ])
    expect(new Set(pay.mock.calls.flat())).toEqual(new Set([9, 2]))
  })

  it("may ask a question that is not a tool call", async () => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("ask", () => {
        const answer = interrupt<unknown, Answer>("Go on?")
        return { messages: [new AIMessage(answer.approved ? "On." : "Stop.")] }
      })
      .addEdge(START, "ask")
      .compile({ checkpointer: new MemorySaver() })
    const runner = langGraphRunner(graph, { Command })
    const asked = await collect(runner, createRequest())
    const question = asked.at(-1)
    expect(question).toMatchObject({ type: "toolCall", name: "interrupt", input: { value: "Go on?" } })
    const id = question?.type === "toolCall" ? question.id : ""
    const events = await collect(runner, createDecidedRequest(asked, [{ id }]))
    expect(outline(events)).toEqual(["toolResult", "On."])
  })

  it("asks and answers like LangChain's humanInTheLoopMiddleware", async () => {
    const answers: unknown[] = []
    const actions = [payCall, payCall, payCall].map(({ name, args }) => ({ name, args, description: "Pay?" }))
    const argsSchema = { type: "object", required: ["amount"] }
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("review", () => {
        answers.push(
          interrupt({ actionRequests: actions, reviewConfigs: [{ actionName: "pay", argsSchema }] }),
        )
        return { messages: [] }
      })
      .addEdge(START, "review")
      .compile({ checkpointer: new MemorySaver() })
    const runner = langGraphRunner(graph, { Command })
    const asked = await collect(runner, createRequest())
    const questions = asked.flatMap((event) => (event.type === "toolCall" ? [event] : []))
    expect(questions[0]?.approval).toEqual({ reason: "Pay?", inputSchema: argsSchema })
    const [first, second, third] = questions.map(({ id }) => id)
    const decisions = [
      { id: first ?? "" },
      { id: second ?? "", editedInput: { amount: 1 } },
      { id: third ?? "", approved: false, reason: "no" },
    ]
    await collect(runner, createDecidedRequest(asked, decisions))
    expect(answers).toEqual([
      {
        decisions: [
          { type: "approve" },
          { type: "edit", editedAction: { name: "pay", args: { amount: 1 } } },
          { type: "reject", message: "This call was denied: no" },
        ],
      },
    ])
  })

  it("keeps the conversation in its thread, or receives it when the thread is new", async () => {
    const before = [
      { role: "user", content: [{ type: "text", text: "Hello." }] },
      { role: "assistant", content: [{ type: "text", text: "Hi." }] },
    ] as const
    const messages = [...before, ...createRequest().messages]
    const { runner, model } = payingGraph([lookCall])
    await collect(runner, createRequest({ messages }))
    expect(model.inputs[0]?.map(({ text }) => text)).toEqual(["Hello.", "Hi.", "Go."])
    const again = [...messages, before[1], before[0]]
    await collect(runner, createRequest({ messages: again }))
    expect(model.inputs[2]?.map(({ type }) => type)).toEqual([
      "human",
      "ai",
      "human",
      "ai",
      "tool",
      "ai",
      "human",
    ])
  })

  it("answers the calls that a cancel left open before a new message", async () => {
    const { runner, model } = payingGraph()
    await collect(runner, createRequest())
    await collect(runner, createRequest())
    expect(model.inputs[1]?.map(({ type }) => type)).toEqual(["human", "ai", "tool", "human"])
  })

  it("continues from its last checkpoint after a crash", async () => {
    const first = payingGraph([lookCall])
    first.look.mockReturnValue(new Promise(() => {}))
    for await (const event of first.runner(createRequest())) if (event.type === "toolCall") break
    const { runner } = payingGraph([lookCall], first.checkpointer)
    const events = await collect(runner, createRequest({ reason: "resume" }))
    expect(outline(events)).toEqual(["call look", "toolResult", "All done.", "usage"])
  })

  it("fails with the kind of its error, without its message", async () => {
    const model = new ScriptedModel(() => {
      throw Object.assign(new RangeError("key sk-123 is wrong"), { status: 401 })
    })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge(START, "agent")
      .compile()
    await expect(collect(langGraphRunner(graph, { Command }), createRequest())).rejects.toMatchObject({
      code: "agent_failed",
      message: "The agent failed: RangeError (a service answered 401).",
    })
  })

  it("stops at the signal", async () => {
    const stop = new AbortController()
    const { runner } = payingGraph()
    const events: RunnerEvent[] = []
    const talk = async () => {
      for await (const event of runner(createRequest({ signal: stop.signal }))) {
        events.push(event)
        stop.abort()
      }
    }
    await expect(talk()).rejects.toThrow()
    expect(outline(events)).not.toContain("call pay")
  })
})
