import { expect, test } from "vitest"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { cancel, chat, hello, history, revoke, subscribe } from "../operations.ts"

/** Registers tests of messages for a session with an open run. */
export function testQueuedMessages({ call, send, check, newToken }: ContractUnderTest): void {
  test("a session has one open run, and an Idempotency-Key has one body", async () => {
    const token = await newToken()
    const headers = { "idempotency-key": "once" }
    const stream = await send(chat, { token, headers, body: { message: "/tool hang" } })
    expect(await call(chat, { token, body: hello })).toMatchObject({ status: 409, code: "run_active" })
    const reused = await call(chat, { token, headers, body: hello })
    expect(reused).toMatchObject({ status: 422, code: "idempotency_key_reused" })
    await call(cancel, { token })
    await check(chat, stream)
  })

  test("a message that steers is listed, and withdrawn once", async () => {
    const token = await newToken()
    const open = await send(chat, { token, body: { message: "/tool hang" } })
    const steering = await send(chat, { token, body: { message: "Faster.", when_busy: "steer" } })
    await steering.body?.cancel()
    const [redrawn] = (await call(history, { token })).bodies
    const content = [{ type: "text", text: "Faster." }]
    expect(redrawn?.steering_messages).toEqual([{ message_id: expect.any(String), content }])
    const [message] = (redrawn?.steering_messages ?? []) as readonly { readonly message_id: string }[]
    const body = { message_id: message?.message_id }
    expect((await call(cancel, { token, body })).bodies).toEqual([
      { status: "ok", run_id: open.headers.get("x-run-id") },
    ])
    expect(await call(cancel, { token, body })).toMatchObject({ status: 404, code: "no_active_run" })
    const both = await call(cancel, { token, body: { ...body, run_id: "run_1" } })
    expect(both).toMatchObject({ status: 422 })
    await call(cancel, { token })
    await check(chat, open)
  })

  test("messages during an open run are queued, followed and withdrawn, up to a bound", async () => {
    const token = await newToken("queue")
    const open = await send(chat, { token, body: { message: "/tool hang" } })
    const queued = { message: "Hello!", when_busy: "queue" }
    const first = await send(chat, { token, body: queued })
    const runId = first.headers.get("x-run-id") ?? ""
    for (let count = 1; count < 100; count++) {
      await (await send(chat, { token, body: queued })).body?.cancel()
    }
    expect(await call(chat, { token, body: queued })).toMatchObject({ status: 429, code: "queue_full" })
    const [redrawn] = (await call(history, { token })).bodies
    expect(redrawn?.queued_runs).toHaveLength(100)
    expect((await call(cancel, { token, body: { run_id: runId } })).status).toBe(200)
    const shown = [
      { type: "run_queued", run_id: runId, position: 1 },
      { type: "stream_complete", terminal_disposition: "interrupted", reason: "cancelled" },
    ]
    const { bodies } = await check(chat, first)
    expect(bodies).toMatchObject(shown)
    const again = await call(`${subscribe}?run_id=${runId}`, { token })
    expect(again.bodies).toEqual(bodies.slice(1))
    const cursor = redrawn?.last_seq
    const after = await call(`${subscribe}?run_id=${runId}&after_seq=${Number(cursor) + 1_000_000_000_000}`, {
      token,
    })
    expect(after.status).toBe(204)
    const unknown = await call(`${subscribe}?run_id=run_unknown`, { token })
    expect(unknown).toMatchObject({ status: 404, code: "run_not_found" })
    await call(revoke, { token })
    await check(chat, open)
  })
}
