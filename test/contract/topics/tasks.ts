import { expect, test, vi } from "vitest"
import type { ContractUnderTest } from "../contract-under-test.ts"
import { cancelTask, chat, followTask, getTask, listTasks, messageTask, subscribe } from "../operations.ts"

/** Registers tests of sub-agents that work in the background. */
export function testTasks({ call, newToken }: ContractUnderTest): void {
  test("a background task is listed, followed and canceled as documented", async () => {
    const token = await newToken()
    const task = JSON.stringify({ task: "/tool hang", background: true })
    expect((await call(chat, { token, body: { message: `/tool run_agent ${task}` } })).status).toBe(200)
    const [listed] = (await call(listTasks, { token })).bodies
    const [{ task_id: id }] = (listed as { readonly tasks: readonly [{ readonly task_id: string }] }).tasks
    const params = { id }
    expect(await call(getTask, { token, params })).toMatchObject({ status: 200 })

    const headers = { "idempotency-key": "told-once" }
    const message = { token, params, headers, body: { message: "Only look at this year." } }
    // Until the sub-agent has started, the status is 503.
    const sent = await vi.waitUntil(async () => {
      const answer = await call(messageTask, message)
      return answer.status === 503 ? null : answer
    })
    expect([sent.status, sent.bodies]).toEqual([200, [{ status: "ok", run_id: id }]])
    expect(await call(messageTask, message)).toMatchObject({ status: 200 })
    const other = { ...message, body: { message: "Another." } }
    expect(await call(messageTask, other)).toMatchObject({ status: 422, code: "idempotency_key_reused" })
    const canceled = await vi.waitUntil(async () => {
      const answer = await call(cancelTask, { token, params })
      return answer.status === 503 ? null : answer
    })
    expect(canceled.status).toBe(200)
    const whole = await call(`${subscribe}?until_tasks_end=true`, { token })
    expect(whole.bodies.at(-1)).toMatchObject({ type: "task_completed", task_id: id })
    expect(await call(`${subscribe}?until_tasks_end=maybe`, { token })).toMatchObject({ status: 400 })
    const followed = await call(followTask, { token, params })
    expect(followed.status).toBe(200)
    expect(followed.bodies.at(-1)).toMatchObject({ type: "stream_complete", reason: "cancelled" })

    expect(await call(cancelTask, { token, params })).toMatchObject({ status: 409, code: "task_ended" })
    const late = { token, params, body: { message: "Too late." } }
    expect(await call(messageTask, late)).toMatchObject({ status: 409, code: "task_ended" })
    const [after, wrong] = [
      `${followTask}?after_seq=${Number.MAX_SAFE_INTEGER}`,
      `${followTask}?after_seq=-1`,
    ]
    expect((await call(after, { token, params })).status).toBe(204)
    expect(await call(wrong, { token, params })).toMatchObject({ status: 400, code: "invalid_cursor" })
  })
}
