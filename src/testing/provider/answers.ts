import assert from "node:assert/strict"
import type { JsonObject } from "../../core/json/json.ts"
import { assertDeltasMatch, call, collect, createText, endOf, joinTexts, selectDeltas } from "./checks.ts"
import type { ContractPart, ProviderContractCase } from "./harness.ts"

/** Cases about the parts of a response. */
export const answerCases: readonly ProviderContractCase[] = [
  {
    name: "the deltas of each part together are the text of the one end that follows them",
    unscripted: true,
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hel", "lo"), call("a", { left: 1 })] })
      const events = await collect(harness)
      const end = endOf(events)
      assertDeltasMatch(events, end)
      assert.ok(selectDeltas(events).length > 0)
      assert.ok(end.model.length > 0)
    },
  },
  {
    name: "the text is exactly the model's",
    async run(harness) {
      harness.answer({
        type: "answer",
        parts: [createText("Hel", "lo, ", "wörld 🙂\n\n"), call("a", { left: 1 })],
      })
      assert.equal(joinTexts(endOf(await collect(harness)).content), "Hello, wörld 🙂\n\n")
    },
  },
  {
    name: "thinking comes as deltas of its own part",
    needs: "thinking",
    async run(harness) {
      const thinking: ContractPart = { type: "thinking", chunks: ["Let me", " see."], signature: "sig" }
      harness.answer({ type: "answer", parts: [thinking, createText("Yes.")] })
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
    unscripted: true,
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hello")] })
      const { usage } = endOf(await collect(harness))
      assert.ok(usage)
      for (const count of Object.values(usage)) assert.ok(Number.isInteger(count) && count >= 0)
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0)
    },
  },
  {
    name: "an empty response is an end",
    async run(harness) {
      harness.answer({ type: "answer", parts: [] })
      assert.equal(joinTexts(endOf(await collect(harness)).content), "")
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
    name: "the input of a call is progress while it arrives",
    async run(harness) {
      const piece = "x".repeat(64 * 1024)
      const json = ['{"text":"', ...Array.from({ length: 16 }, () => piece), '"}']
      harness.answer({ type: "answer", parts: [{ type: "toolCall", id: "one", name: "add", json }] })
      const events = await collect(harness)
      assert.equal(endOf(events).stopReason, "toolCalls")
      assert.ok(events.filter((event) => event.type === "progress").length >= 3)
    },
  },
  {
    name: "the input of each call arrives as deltas of its part if the request asks for them",
    needs: "toolInput",
    async run(harness) {
      // Pieces that arrive in one read are one delta, so these do not fit into one.
      const piece = "x".repeat(64 * 1024)
      const longCall = (id: string, start: string): ContractPart => {
        return { type: "toolCall", id, name: "add", json: [start, piece, piece, '"}'] }
      }
      const parts = [createText("Let me."), longCall("a", '{"left":"one'), longCall("b", '{"left":"zwö')]
      harness.answer({ type: "answer", parts })
      const events = await collect(harness, { toolInputDeltas: true })
      const end = endOf(events)
      assertDeltasMatch(events, end)
      const pieces = events.filter((event) => event.type === "toolInputDelta")
      for (const [index, part] of end.content.entries()) {
        if (part.type !== "toolCall") continue
        const ofCall = pieces.filter((piece) => piece.part === index)
        assert.deepEqual(JSON.parse(ofCall.map((piece) => piece.text).join("")), part.input)
        assert.ok(ofCall.length > 1 && ofCall.every(({ name }) => name === part.name))
      }
      assert.ok(events.some((event) => event.type === "progress"))
    },
  },
  {
    name: "the input of calls arrives without deltas by default",
    async run(harness) {
      harness.answer({ type: "answer", parts: [call("a", { left: 1 })] })
      const events = await collect(harness)
      assert.ok(endOf(events).content.some(({ type }) => type === "toolCall"))
      assert.ok(events.every(({ type }) => type !== "toolInputDelta"))
    },
  },
  {
    name: "the trace of a request is sent as a header, and no header is sent without one",
    async run(harness) {
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
      harness.answer({ type: "answer", parts: [createText("Hello")] })
      endOf(await collect(harness, { traceparent }))
      assert.equal(harness.receivedHeader("traceparent"), traceparent)
      harness.answer({ type: "answer", parts: [createText("Hello")] })
      endOf(await collect(harness))
      assert.equal(harness.receivedHeader("traceparent"), null)
    },
  },
  {
    name: "an early count is reported before the first token, and the end counts no less",
    needs: "earlyUsage",
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hello")] })
      const events = await collect(harness)
      const first = events.findIndex((event) => event.type === "textDelta")
      const early = events.slice(0, first).flatMap((event) => ("usage" in event && event.usage) || [])
      const { usage } = endOf(events)
      assert.ok(early[0] && usage && early[0].inputTokens > 0)
      assert.ok(usage.inputTokens >= early[0].inputTokens && usage.outputTokens >= early[0].outputTokens)
    },
  },
  {
    name: "the output schema is sent to the provider",
    needs: "outputSchema",
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText('{"sum":3}')] })
      endOf(await collect(harness, { outputSchema: sumSchema }))
      const { properties, required } = harness.received().outputSchema ?? {}
      assert.deepEqual([properties, required], [{ sum: { type: "number" } }, ["sum"]])
      harness.answer({ type: "answer", parts: [createText("Three.")] })
      endOf(await collect(harness))
      assert.equal(harness.received().outputSchema, null)
    },
  },
  {
    name: "a response that the provider's filter withholds is an end with that reason",
    needs: "contentFilter",
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hel")], ending: "contentFilter" })
      const events = await collect(harness)
      assert.equal(selectDeltas(events).length, 1)
      assert.equal(endOf(events).stopReason, "contentFilter")
    },
  },
]

const sumSchema: JsonObject = {
  type: "object",
  properties: { sum: { type: "number" } },
  required: ["sum"],
  additionalProperties: false,
}
