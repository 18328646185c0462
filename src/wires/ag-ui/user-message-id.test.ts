import { expect, it } from "vitest"
import { runStarted } from "../../http/fixtures/entries.ts"
import { SnapshotFold } from "./snapshot-messages.ts"
import { addMessageId } from "./user-message-id.ts"

it("gives the client's id to the message of its own run, and not to those of runs that inherit the context", () => {
  const context = addMessageId({ page: 1 }, "run_1", "mine")
  const event = { ...runStarted, context } as const
  const fold = new SnapshotFold()
  fold.add(
    ["run_1", "run_2"].map((runId, index) => ({ kind: "event", seq: index + 1, v: 3, at: 0, runId, event })),
  )
  expect(fold.messages.map(({ id }) => id)).toEqual(["mine", "run_2_user"])
  expect(addMessageId({ page: 1 }, "run_1", null)).toEqual({ page: 1 })
})
