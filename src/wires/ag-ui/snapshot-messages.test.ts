import { expect, it } from "vitest"
import type { Event } from "../../core/log/entries.ts"
import { createMessage, runCompleted, runStarted, stepStarted } from "../../http/fixtures/entries.ts"
import { entry, request, result, stepCompleted } from "./fixtures/entries.ts"
import { SnapshotFold } from "./snapshot-messages.ts"

it("leaves out a call without a model, and keeps the messages around it", () => {
  const call = { tool: "pay", input: { sum: 5 }, origin: { type: "code" } } as const
  const direct = { ...runStarted, content: [], call } as Event
  const fold = new SnapshotFold()
  fold.add([
    ...[
      entry(1, runStarted),
      entry(2, stepStarted),
      entry(3, createMessage([{ type: "text", text: "Hi" }], 3)),
    ],
    ...[entry(4, stepCompleted), entry(5, runCompleted)],
    ...[entry(6, direct), entry(7, stepStarted), entry(8, request("backend"))],
    ...[entry(9, result("backend")), entry(10, stepCompleted), entry(11, runCompleted)],
    entry(12, runStarted),
  ])
  expect(fold.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"])
})
