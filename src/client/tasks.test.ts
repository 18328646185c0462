import { expect, it } from "vitest"
import { type FakeRequest, fakeGateway } from "./fixtures/fake-gateway.ts"
import { connect } from "./index.ts"

const path = "/api/chat/tasks/task_1/messages"
const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ status, code, detail: "No." }), {
    status,
    headers: { "content-type": "application/problem+json" },
  })

/** Returns a chat whose messages to a task get these responses, one each. The last one is repeated. */
function chatWith(...responses: readonly (() => Response)[]) {
  let index = 0
  const gateway = fakeGateway({
    intercept: (request: FakeRequest) =>
      request.path === path ? responses[Math.min(index++, responses.length - 1)]?.() : undefined,
  })
  const chat = connect({
    url: "http://gateway/api",
    token: async () => "token",
    retryDelayMs: 1,
    fetch: gateway.fetch,
  })
  return { chat, gateway }
}

it("sends a task a message, and the same one again after a failure that may pass", async () => {
  const accepted = () => Response.json({ status: "ok", run_id: "task_1" })
  const { chat, gateway } = chatWith(() => problem(503, "task_not_started"), accepted)
  expect(await chat.messageTask("task_1", "Hurry!")).toBe(true)
  const sent = gateway.requestsTo(path)
  expect(sent.map(({ body }) => body)).toEqual([{ message: "Hurry!" }, { message: "Hurry!" }])
  expect(new Set(sent.map(({ headers }) => headers.get("idempotency-key"))).size).toBe(1)
})

it("returns false for a task that has ended", async () => {
  const { chat } = chatWith(() => problem(409, "task_ended"))
  expect(await chat.messageTask("task_1", "Hurry!")).toBe(false)
})
