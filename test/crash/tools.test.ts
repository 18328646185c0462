import { expect, test } from "vitest"
import { all } from "./checks/observation.ts"
import type { CrashPoint } from "./support/crash-points.ts"
import { calls, says } from "./support/model.ts"
import { serving } from "./support/serving.ts"

/**
 * Resolves to the outcome of one call of the tool. The first process dies at the crash point, and the second one
 * continues.
 */
async function callOf(name: string, crashAt: CrashPoint) {
  const { client, message, died, start, effects, events, modelCalls } = await serving(
    (call) => (call.turn > 0 ? says(3) : calls(call, [{ name }])),
    { crashAt },
  )
  const { ended } = await client.chat({ message })
  await died()
  start()
  await ended
  expect(all(await events(), "runCompleted")).toMatchObject([{ disposition: "completed" }])
  const interrupted = all(await events(), "toolCallInterrupted")
  const completed = all(await events(), "toolCallCompleted")
  expect(interrupted.length + completed.length).toBe(1)
  return {
    effects: (await effects()).length,
    settled: interrupted[0]?.outcome ?? completed[0]?.result.type,
    modelWasTold: JSON.stringify(modelCalls().at(-1)),
  }
}

const unknown = /may or may not have taken effect/

test.each<[CrashPoint, number]>([
  ["commit:toolCallStarted:after", 0],
  ["tool:plain:after-effect", 1],
  ["commit:toolCallCompleted:before", 1],
])("a plain tool is not called again after a kill at %s: its outcome is unknown", async (point, effects) => {
  const call = await callOf("charge", point)
  expect(call).toMatchObject({ effects, settled: "unknown", modelWasTold: expect.stringMatching(unknown) })
})

test.each<CrashPoint>(["commit:toolCallRequested:after", "commit:toolCallCompleted:after"])(
  "a plain tool is called exactly once when the kill is at %s",
  async (point) => {
    expect(await callOf("charge", point)).toMatchObject({ effects: 1, settled: "json" })
  },
)

test.each<CrashPoint>(["tool:idempotent:before-effect", "tool:idempotent:after-effect"])(
  "an idempotent tool is called again with its key after a kill at %s, and has one effect",
  async (point) => {
    expect(await callOf("reserve", point)).toMatchObject({ effects: 1, settled: "json" })
  },
)

test("a read-only tool is called again after a kill during its call", async () => {
  expect(await callOf("look_up", "tool:readOnly:after-effect")).toMatchObject({ effects: 2, settled: "json" })
})
