import { afterEach, describe, expect, it, vi } from "vitest"
import type { ToolContext } from "../../core/ports/tools/tool.ts"
import { startTestNode, type TestNode } from "../../kernel/sessions/fixtures/test-gateway.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { tool } from "../../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import type { RunOptions } from "../gateway.ts"
import { type RunOnceOptions, runOnce } from "./run-once.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const say = (text: string) => ({ type: "text", text }) as const
const forever = { type: "wait", until: new Promise(() => {}) } as const

const run = (sessions: Sessions, message: string, options: RunOnceOptions = {}) =>
  runOnce({ sessions, providerErrors: false, agents: ["agent"], logger }, message, options)

const nodes: TestNode[] = []
afterEach(async () => {
  logger.error.mockClear()
  logger.warn.mockClear()
  for (const node of nodes.splice(0)) await node.stop()
})

const pay = vi.fn(({ amount }: { readonly amount?: unknown }) => `paid ${amount}`)

async function nodeWith(...turns: readonly ScriptedTurn[]) {
  const provider = scriptedProvider(turns)
  const node = await startTestNode(provider, {
    tools: [
      tool({
        name: "pay",
        description: "Pays.",
        inputSchema: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
        needsApproval: true,
        execute: pay,
      }),
    ],
  })
  nodes.push(node)
  pay.mockClear()
  return { provider, sessions: node.sessions }
}

const callPay: ScriptedTurn = [{ type: "toolCall", name: "pay", input: { amount: 5 } }]

/** Records the run that the sessions were asked to start, and its outcome. */
function watching(sessions: Sessions) {
  const start = vi.fn(sessions.start)
  return {
    sessions: { ...sessions, start },
    async outcome() {
      const sessionId = start.mock.calls[0]?.[0].sessionId ?? ""
      const accepted = await start.mock.results[0]?.value
      return (await sessions.result(sessionId, accepted.runId, {})).outcome
    },
  }
}

describe("an abort of a run from code", () => {
  it.each(["create", "start"] as const)("takes effect when it happens during %s", async (during) => {
    const { sessions } = await nodeWith([say("Half"), forever])
    const stop = new AbortController()
    const aborting = {
      ...sessions,
      async [during](argument: never) {
        const result = await sessions[during](argument)
        stop.abort()
        return result
      },
    }
    const result = await run(aborting, "Hi", { signal: stop.signal })
    expect(result).toMatchObject({ outcome: "interrupted", reason: "cancelled" })
  })

  it("that cannot be stored is logged, and the run continues", async () => {
    const goOn = Promise.withResolvers<void>()
    const { sessions } = await nodeWith([say("Half"), { type: "wait", until: goOn.promise }])
    const stop = new AbortController()
    const error = new Error("no store")
    const cancel = async () => {
      goOn.resolve()
      throw error
    }
    const onText = () => stop.abort()
    const result = await run({ ...sessions, cancel }, "Hi", { signal: stop.signal, onText })
    expect(result).toMatchObject({ outcome: "completed", response: "Half" })
    expect(logger.error).toHaveBeenCalledWith(expect.objectContaining({ error }), expect.any(String))
  })

  it("does not wait for a person's answer", async () => {
    const { sessions } = await nodeWith(callPay)
    const stop = new AbortController()
    const onApproval = () => {
      stop.abort()
      return new Promise<never>(() => {})
    }
    expect(await run(sessions, "Hi", { signal: stop.signal, onApproval })).toMatchObject({
      outcome: "interrupted",
      reason: "cancelled",
    })
  })
})

describe("an approval of a run from code", () => {
  it("takes effect, with the edited arguments", async () => {
    const { sessions } = await nodeWith(callPay, [say("Done")])
    const onApproval = () => ({ approved: true, editedInput: { amount: 3 } })
    expect(await run(sessions, "Hi", { onApproval })).toMatchObject({ response: "Done" })
    expect(pay).toHaveBeenCalledExactlyOnceWith({ amount: 3 }, expect.anything())
  })

  it("denies the call when its edit is invalid, and tells the model the reason", async () => {
    const { sessions, provider } = await nodeWith(callPay, [say("Sorry")])
    const onApproval = vi.fn(() => ({ approved: true, editedInput: { amount: "three" } }))
    expect(await run(sessions, "Hi", { onApproval })).toMatchObject({ response: "Sorry" })
    expect(onApproval).toHaveBeenCalledOnce()
    expect(pay).not.toHaveBeenCalled()
    expect(JSON.stringify(provider.requests[1]?.messages.at(-1))).toContain("amount")
  })

  it("cancels the run and rejects for an answer with an unknown name", async () => {
    const { sessions } = await nodeWith(callPay)
    const watched = watching(sessions)
    const answer = { approved: true, input: { amount: 3 } }
    const onApproval = () => answer
    await expect(run(watched.sessions, "Hi", { onApproval })).rejects.toThrow(
      "onApproval: unknown option input",
    )
    expect(await watched.outcome()).toMatchObject({ reason: "cancelled" })
    expect(pay).not.toHaveBeenCalled()
  })

  it("cancels the run and rejects when the store does not know the wait", async () => {
    const { sessions } = await nodeWith(callPay)
    const watched = watching({ ...sessions, answer: async () => ({ status: "unknown" }) })
    await expect(run(watched.sessions, "Hi")).rejects.toThrow("unknown")
    expect(await watched.outcome()).toMatchObject({ reason: "cancelled" })
  })

  it("accepts that another person was faster", async () => {
    const { sessions } = await nodeWith(callPay, [say("Done")])
    const decidedBy = { via: "code", tenant: null, userId: "ops", address: null } as const
    const onApproval = async ({ sessionId = "", toolCallId = "", nonce = "" }) => {
      await sessions.answer({ kind: "approval", sessionId, toolCallId, nonce, approved: true, decidedBy })
      return { approved: false }
    }
    expect(await run(sessions, "Hi", { onApproval })).toMatchObject({ response: "Done" })
    expect(pay).toHaveBeenCalledOnce()
  })
})

describe("a question of a tool in a run from code", () => {
  const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] }
  const execute = vi.fn(async (_input: object, { ask }: ToolContext) => {
    return (await ask({ mode: "form", message: "Who?", schema })).action
  })
  const book = tool({ name: "book", description: "Book.", inputSchema: { type: "object" }, execute })
  const callBook = [{ type: "toolCall", name: "book", input: {} }] as const
  const told = async (onElicitation?: RunOptions["onElicitation"]) => {
    const provider = scriptedProvider([callBook, [say("Done")]])
    const node = await startTestNode(provider, { tools: [book] })
    nodes.push(node)
    const options = onElicitation === undefined ? {} : { onElicitation }
    expect(await run(node.sessions, "Hi", options)).toMatchObject({ response: "Done" })
    const last = provider.requests[1]?.messages.at(-1)
    return last?.role === "tool" ? last.results[0]?.result : null
  }

  it("is declined without a callback", async () => {
    expect(await told()).toMatchObject({ value: "decline" })
  })

  it("is answered by a callback", async () => {
    const onElicitation = vi.fn(() => ({ action: "accept", content: { name: "Ada" } }) as const)
    expect(await told(onElicitation)).toMatchObject({ value: "accept" })
    expect(onElicitation).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        kind: "elicitation",
        payload: expect.objectContaining({ question: { mode: "form", message: "Who?", schema } }),
      }),
    )
  })

  it("is declined when the answer is invalid, which is logged", async () => {
    expect(await told(() => ({ action: "accept", content: { name: 7 } }))).toMatchObject({ value: "decline" })
    expect(logger.warn).toHaveBeenCalledWith(
      expect.objectContaining({ toolName: "book" }),
      expect.any(String),
    )
  })
})

describe("a callback that throws", () => {
  const error = new Error("no terminal")
  const fail = () => {
    throw error
  }

  it.each([
    ["onText", { onText: fail }, [[say("Half"), forever]]],
    ["an asynchronous onText", { onText: async () => fail() }, [[say("Half"), forever]]],
    ["an asynchronous onEvent", { onEvent: async () => fail() }, [[say("Half"), forever]]],
    ["onApproval", { onApproval: fail }, [callPay]],
    ["a later onApproval", { onApproval: () => Promise.reject(error) }, [callPay]],
  ] as const)("cancels the run before run() rejects: %s", async (_, callbacks, turns) => {
    const watched = watching((await nodeWith(...turns)).sessions)
    await expect(run(watched.sessions, "Hi", { ...callbacks })).rejects.toBe(error)
    expect(await watched.outcome()).toMatchObject({ disposition: "interrupted", reason: "cancelled" })
  })
})
