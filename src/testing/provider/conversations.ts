import assert from "node:assert/strict"
import type { AssistantMessage, Message } from "../../core/history/messages.ts"
import { addCallIds, call, collect, createText, endOf, hello } from "./checks.ts"
import type { ContractPart, ProviderContractCase } from "./harness.ts"

/** Cases about the input of the model: tools, results, and earlier messages of the same or another model. */
export const conversationCases: readonly ProviderContractCase[] = [
  {
    name: "tools are offered, and a call's result reaches the model with the received id",
    async run(harness) {
      harness.answer({
        type: "answer",
        parts: [createText("I add."), call("one", { left: 1 }), call("two", { left: 2 })],
      })
      const first = endOf(await collect(harness))
      assert.equal(first.stopReason, "toolCalls")
      assert.deepEqual(harness.received().toolNames, ["add"])
      const message = addCallIds(first.content)
      harness.answer({ type: "answer", parts: [createText("Done.")] })
      const results: Message = {
        role: "tool",
        results: [
          { toolCallId: "call_0", result: { type: "json", value: { sum: 3 } } },
          { toolCallId: "call_1", result: { type: "error", code: "overflow", message: "Too much." } },
        ],
      }
      endOf(await collect(harness, { messages: [hello, message, results] }))
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
    name: "a conversation of megabytes reaches the model completely",
    async run(harness) {
      harness.answer({ type: "answer", parts: [call("one", { left: 1 })] })
      const message = addCallIds(endOf(await collect(harness)).content)
      harness.answer({ type: "answer", parts: [createText("Done.")] })
      const value = { read: '名"\\\n😀'.repeat(250_000) }
      const results: Message = {
        role: "tool",
        results: [{ toolCallId: "call_0", result: { type: "json", value } }],
      }
      endOf(await collect(harness, { messages: [hello, message, results] }))
      const [received] = harness.received().toolResults
      assert.ok(received?.text.includes(JSON.stringify(value)))
    },
  },
  {
    name: "repeated and missing ids, and names that providers refuse, are not sent back",
    async run(harness) {
      const parts: readonly ContractPart[] = [
        { type: "toolCall", id: "same", name: "add", json: ["{}"] },
        { type: "toolCall", id: "same", name: "to add", json: ["{}"] },
        { type: "toolCall", id: "", name: "", json: ["{}"] },
      ]
      harness.answer({ type: "answer", parts })
      const message = addCallIds(endOf(await collect(harness)).content)
      assert.equal(message.content.length, parts.length)
      harness.answer({ type: "answer", parts: [createText("Done.")] })
      const results: Message = {
        role: "tool",
        results: parts.map((_, index) => ({
          toolCallId: `call_${index}`,
          result: { type: "json", value: index },
        })),
      }
      endOf(await collect(harness, { messages: [hello, message, results] }))
      const { toolCalls, toolResults } = harness.received()
      const ids = toolCalls.map(({ id }) => id)
      assert.equal(new Set(ids).size, parts.length)
      assert.deepEqual(
        toolResults.map(({ id }) => id),
        ids,
      )
      for (const { id, name } of toolCalls) assert.match(`${id} ${name}`, /^[\w-]{1,64} [\w-]{1,64}$/)
    },
  },
  {
    name: "thinking is sent back with its signature unchanged",
    needs: "thinking",
    async run(harness) {
      const thinking: ContractPart = { type: "thinking", chunks: ["Let me", " see."], signature: "EqoB+/=" }
      harness.answer({ type: "answer", parts: [thinking, call("one", {})] })
      const message = addCallIds(endOf(await collect(harness)).content)
      harness.answer({ type: "answer", parts: [createText("Done.")] })
      endOf(await collect(harness, { messages: [hello, message, resultOfFirstCall] }))
      assert.deepEqual(harness.received().thinking, [{ text: "Let me see.", signature: "EqoB+/=" }])
    },
  },
  {
    name: "a conversation with another provider continues: its own parts are left out, its calls keep the gateway's ids",
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
      harness.answer({ type: "answer", parts: [createText("Done.")] })
      endOf(await collect(harness, { messages: [hello, message, resultOfFirstCall] }))
      const { thinking, toolCalls, toolResults } = harness.received()
      assert.deepEqual(thinking, [])
      assert.deepEqual([toolCalls[0]?.id, toolResults[0]?.id], ["call_0", "call_0"])
    },
  },
]

const resultOfFirstCall: Message = {
  role: "tool",
  results: [{ toolCallId: "call_0", result: { type: "json", value: null } }],
}
