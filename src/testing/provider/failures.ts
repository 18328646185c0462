import assert from "node:assert/strict"
import {
  assertBrokenOff,
  assertQuiet,
  collect,
  createText,
  open,
  readFirstDelta,
  requireFailure,
  selectDeltas,
} from "./checks.ts"
import type { ProviderContractCase } from "./harness.ts"

/** Cases about failures of a call, and calls that are aborted. */
export const failureCases: readonly ProviderContractCase[] = [
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
        const failure = requireFailure(await collect(harness), harness)
        assert.deepEqual([failure.code, failure.retryable], [code, retryable])
        if (as === "rateLimited") assert.equal(failure.retryAfterMs, 2000)
      },
    }),
  ),
  {
    name: "a web page instead of a response is upstream_invalid",
    async run(harness) {
      harness.answer({ type: "webPage" })
      assert.equal(requireFailure(await collect(harness), harness).code, "upstream_invalid")
    },
  },
  ...(["cut", "short", "garbled"] as const).flatMap((ending) =>
    (
      [
        ["before the first token", []],
        ["in the middle of the text", [createText("Hel", "lo")]],
        ["within a call's input", [{ type: "toolCall", id: "one", name: "add", json: ['{"le'] }]],
      ] as const
    ).map(
      ([where, parts]): ProviderContractCase => ({
        name: `a response that is ${ending} ${where} is a retryable upstream_cut`,
        async run(harness) {
          harness.answer({ type: "answer", parts, ending })
          const failure = requireFailure(await collect(harness), harness)
          assert.deepEqual([failure.code, failure.retryable], ["upstream_cut", true])
        },
      }),
    ),
  ),
  {
    name: "an error event within the stream is a failure after the received deltas",
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hel")], ending: "error" })
      const events = await collect(harness)
      assert.deepEqual(selectDeltas(events), ["Hel"])
      assert.equal(requireFailure(events, harness).code, "overloaded")
    },
  },
  {
    name: "an abort ends the stream at once without an event, and closes the request",
    unscripted: true,
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hel")], ending: "open" })
      const controller = new AbortController()
      const stream = open(harness, {}, controller.signal)
      await readFirstDelta(stream)
      const next = stream.next()
      controller.abort()
      await assertQuiet(stream, next)
      await assertBrokenOff(harness)
    },
  },
  {
    name: "an abort before the call sends no request",
    unscripted: true,
    async run(harness) {
      assert.deepEqual(await collect(harness, {}, AbortSignal.abort()), [])
    },
  },
  {
    name: "a reader that stops closes the request",
    async run(harness) {
      harness.answer({ type: "answer", parts: [createText("Hel")], ending: "open" })
      const stream = open(harness, {}, new AbortController().signal)
      await readFirstDelta(stream)
      await stream.return?.()
      await assertBrokenOff(harness)
    },
  },
]
