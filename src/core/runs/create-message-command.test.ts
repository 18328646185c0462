import { expect, test } from "vitest"
import { createMessageCommand } from "./create-message-command.ts"

const facts = { sessionId: "sess_1", runId: "run_1", at: 1 }

test("a text is a plain message without a context, model, schema or key", () => {
  expect(createMessageCommand({ ...facts, input: "Hi" })).toEqual({
    type: "message",
    ...facts,
    input: { type: "message", content: [{ type: "text", text: "Hi" }] },
    context: {},
    channel: null,
    model: null,
    outputSchema: null,
    idempotency: null,
  })
})

test("everything that the sender gives replaces the default, and nothing is added", () => {
  const input = { type: "conversation", messages: [] } as const
  const given = { input, channel: "web", context: { n: 1 }, whenBusy: "steer", joins: "run_0" } as const
  expect(createMessageCommand({ ...facts, ...given })).toMatchObject(given)
  expect(createMessageCommand({ ...facts, ...given })).not.toHaveProperty("limits")
})
