import { expect, test } from "vitest"
import { noUsage } from "../usage.ts"
import { type Event, logVersion } from "./entries.ts"
import { upcast } from "./upcast.ts"

/** An event in the form of version 1. */
const old = (event: object) => event as Event

test.each<[object, object]>([
  [{ type: "runStarted", agent: "agent", model: null }, { outputSchema: null }],
  [{ type: "stepRetried", stepId: "step_1", attempt: 2 }, { modelIndex: 0 }],
  [
    { type: "messageCompleted", usage: noUsage },
    { cost: null, charged: null, estimated: false },
  ],
  [{ type: "stepCompleted", usage: noUsage }, { cost: null }],
  [{ type: "runCompleted", usage: noUsage }, { cost: null }],
  [{ type: "runFailed", usage: noUsage }, { cost: null }],
  [{ type: "toolCallStarted", toolCallId: "call_1" }, {}],
])("%j of version 1 receives the fields that version 2 adds", (event, added) => {
  expect(upcast(old(event), 1)).toEqual([{ ...event, ...added }])
})

test("a current event stays unchanged", () => {
  const event = old({ type: "runStarted", outputSchema: { type: "object" } })
  expect(upcast(event, logVersion)).toEqual([event])
})
