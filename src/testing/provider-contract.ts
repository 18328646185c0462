import assert from "node:assert/strict"
import type { JsonObject } from "../core/json.ts"
import type { AssistantMessage, Message } from "../core/messages.ts"
import {
  assertBrokenOff,
  assertDeltasMatch,
  collect,
  endOf,
  failureOf,
  hello,
  open,
  textOf,
  withCallIds,
} from "./provider-contract-checks.ts"
import type { ContractPart, ProviderHarness } from "./provider-harness.ts"

export interface ProviderContractCase {
  readonly name: string
  /** Not for a service that sends no thinking, or none that goes back. */
  readonly thinking?: true
  run(harness: ProviderHarness): Promise<void>
}

const text = (...chunks: readonly string[]): ContractPart => ({ type: "text", chunks })
const call = (id: string, input: JsonObject): ContractPart => {
  const json = JSON.stringify(input)
  return { type: "toolCall", id, name: "add", json: [json.slice(0, 3), json.slice(3)] }
}

/** What the loop relies on from every provider. */
export const providerContract: readonly ProviderContractCase[] = [
  {
    name: "deltas, part by part, together are the text of the one end that follows them",
    async run(harness) {
      harness.answer({ type: "answer", parts: [text("Hel", "lo, ", "wörld 🙂"), call("a", { left: 1 })] })
      const events = await collect(harness)
      const end = endOf(events)
      assertDeltasMatch(events, end)
      assert.equal(textOf(end.content), "Hello, wörld 🙂")
      assert.ok(end.model.length > 0)
    },
  },
  {
    name: "thinking comes as deltas of its own part",
    thinking: true,
    async run(harness) {
      const thinking: ContractPart = { type: "thinking", chunks: ["Let me", " see."], signature: "sig" }
      harness.answer({ type: "answer", parts: [thinking, text("Yes.")] })
      const events = await collect(harness)
      const end = endOf(events)
      assertDeltasMatch(events, end)
      assert.deepEqual(
        end.content.map((part) => part.type),
        ["thinking", "text"],
      )
    },
  },
  {
    name: "usage is counted in whole tokens",
    async run(harness) {
      harness.answer({ type: "answer", parts: [text("Hello")] })
      const { usage } = endOf(await collect(harness))
      for (const count of Object.values(usage)) assert.ok(Number.isInteger(count) && count >= 0)
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0)
    },
  },
  {
    name: "an answer without content is an end",
    async run(harness) {
      harness.answer({ type: "answer", parts: [] })
      assert.equal(textOf(endOf(await collect(harness)).content), "")
    },
  },
  {
    name: "tools are offered, and a call's result reaches the model under the id the call came with",
    async run(harness) {
      harness.answer({
        type: "answer",
        parts: [text("I add."), call("one", { left: 1 }), call("two", { left: 2 })],
      })
      const first = endOf(await collect(harness))
      assert.equal(first.stopReason, "toolCalls")
      assert.deepEqual(harness.received().toolNames, ["add"])
      const message = withCallIds(first.content)
      harness.answer({ type: "answer", parts: [text("Done.")] })
      const results: Message = {
        role: "tool",
        results: [
          { toolCallId: "call_0", result: { type: "json", value: { sum: 3 } } },
          { toolCallId: "call_1", result: { type: "error", code: "overflow", message: "Too much." } },
        ],
      }
      endOf(await collect(harness, [hello, message, results]))
      const { toolCalls, toolResults } = harness.received()
      assert.deepEqual(toolCalls, [
        { id: "one", name: "add", input: { left: 1 } },
        { id: "two", name: "add", input: { left: 2 } },
      ])
      assert.deepEqual(
        toolResults.map(({ id, error }) => ({ id, error })),
        [
          { id: "one", error: false },
          { id: "two", error: true },
        ],
      )
      assert.match(toolResults[0]?.text ?? "", /\{"sum":3\}/)
      assert.match(toolResults[1]?.text ?? "", /Too much\./)
    },
  },
  {
    name: "a call without input has an empty one, and unreadable input is kept as text",
    async run(harness) {
      const parts: readonly ContractPart[] = [
        { type: "toolCall", id: "one", name: "add", json: [""] },
        { type: "toolCall", id: "two", name: "add", json: ['{"left": ', "oops"] },
      ]
      harness.answer({ type: "answer", parts })
      const calls = endOf(await collect(harness)).content.filter((part) => part.type === "toolCall")
      assert.deepEqual(
        calls.map(({ input, malformedInput }) => ({ input, malformedInput })),
        [
          { input: {}, malformedInput: undefined },
          { input: {}, malformedInput: '{"left": oops' },
        ],
      )
    },
  },
  {
    name: "thinking goes back with its signature unchanged",
    thinking: true,
    async run(harness) {
      const thinking: ContractPart = { type: "thinking", chunks: ["Let me", " see."], signature: "EqoB+/=" }
      harness.answer({ type: "answer", parts: [thinking, call("one", {})] })
      const message = withCallIds(endOf(await collect(harness)).content)
      harness.answer({ type: "answer", parts: [text("Done.")] })
      endOf(await collect(harness, [hello, message, resultOfFirstCall]))
      assert.deepEqual(harness.received().thinking, [{ text: "Let me see.", signature: "EqoB+/=" }])
    },
  },
  {
    name: "a conversation held with another provider goes on: its own parts are left out, its calls keep our ids",
    async run(harness) {
      const vendor = { provider: "another", data: { id: "theirs", signature: "theirs" } }
      const message: AssistantMessage = {
        role: "assistant",
        content: [
          { type: "thinking", text: "Theirs.", vendor },
          { type: "opaque", vendor },
          { type: "toolCall", toolCallId: "call_0", name: "add", input: {}, vendor },
        ],
      }
      harness.answer({ type: "answer", parts: [text("Done.")] })
      endOf(await collect(harness, [hello, message, resultOfFirstCall]))
      const { thinking, toolCalls, toolResults } = harness.received()
      assert.deepEqual(thinking, [])
      assert.deepEqual([toolCalls[0]?.id, toolResults[0]?.id], ["call_0", "call_0"])
    },
  },
  ...(
    [
      ["rateLimited", "rate_limited", true],
      ["overloaded", "overloaded", true],
      ["badKey", "authentication_failed", false],
      ["unknownModel", "model_not_found", false],
      ["tooLong", "context_too_long", false],
      ["broken", "upstream_failed", true],
    ] as const
  ).map(
    ([as, code, retryable]): ProviderContractCase => ({
      name: `a refusal is one event: ${code}`,
      async run(harness) {
        harness.answer({ type: "refused", as })
        const failure = failureOf(await collect(harness), harness)
        assert.deepEqual([failure.code, failure.retryable], [code, retryable])
        if (as === "rateLimited") assert.equal(failure.retryAfterMs, 2000)
      },
    }),
  ),
  {
    name: "a web page in place of an answer is upstream_invalid",
    async run(harness) {
      harness.answer({ type: "webPage" })
      assert.equal(failureOf(await collect(harness), harness).code, "upstream_invalid")
    },
  },
  ...(
    [
      ["before the first token", []],
      ["in the middle of the text", [text("Hel", "lo")]],
      ["within a call's input", [{ type: "toolCall", id: "one", name: "add", json: ['{"le'] }]],
    ] as const
  ).map(
    ([where, parts]): ProviderContractCase => ({
      name: `an answer cut ${where} is a retryable upstream_cut`,
      async run(harness) {
        harness.answer({ type: "answer", parts, ending: "cut" })
        const failure = failureOf(await collect(harness), harness)
        assert.deepEqual([failure.code, failure.retryable], ["upstream_cut", true])
      },
    }),
  ),
  {
    name: "an error event within the stream is a failure, after the deltas there were",
    async run(harness) {
      harness.answer({ type: "answer", parts: [text("Hel")], ending: "error" })
      const events = await collect(harness)
      assert.equal(events[0]?.type, "textDelta")
      assert.equal(failureOf(events, harness).code, "overloaded")
    },
  },
  {
    name: "an abort ends the stream at once and silently, and breaks the request off",
    async run(harness) {
      harness.answer({ type: "answer", parts: [text("Hel")], ending: "open" })
      const controller = new AbortController()
      const stream = open(harness, [hello], controller.signal)
      assert.equal((await stream.next()).value?.type, "textDelta")
      const next = stream.next()
      controller.abort()
      assert.equal((await next).done, true)
      await assertBrokenOff(harness)
    },
  },
  {
    name: "an abort before the call makes none",
    async run(harness) {
      assert.deepEqual(await collect(harness, [hello], AbortSignal.abort()), [])
    },
  },
  {
    name: "a reader that stops breaks the request off",
    async run(harness) {
      harness.answer({ type: "answer", parts: [text("Hel")], ending: "open" })
      const stream = open(harness, [hello], new AbortController().signal)
      await stream.next()
      await stream.return?.()
      await assertBrokenOff(harness)
    },
  },
]

const resultOfFirstCall: Message = {
  role: "tool",
  results: [{ toolCallId: "call_0", result: { type: "json", value: null } }],
}
