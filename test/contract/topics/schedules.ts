import { afterAll, beforeAll, expect, test } from "vitest"
import { createAgent } from "../../../src/gateway/create-agent.ts"
import { type ContractClient, contractClient } from "../client.ts"
import { quiet } from "../gateway-under-test.ts"
import { init } from "../operations.ts"

const list = "GET /schedules"
const create = "POST /schedules"
const show = "GET /schedules/{id}"
const pause = "POST /schedules/{id}/pause"
const resume = "POST /schedules/{id}/resume"
const run = "POST /schedules/{id}/run"
const remove = "DELETE /schedules/{id}"

/** Registers tests of schedules, on a separate gateway whose model does not respond before the end. */
export function testSchedules(): void {
  const ended = Promise.withResolvers<void>()
  const gateway = createAgent("You answer.", {
    provider: {
      name: "silent",
      defaultModel: "silent",
      // biome-ignore lint/correctness/useYield: The model says nothing.
      async *stream() {
        await ended.promise
      },
    },
    store: "memory",
    logger: quiet,
    validApiKeys: ["key"],
    allowSchedules: { users: true, maxPerUser: 4 },
  })
  let client: ContractClient
  let token = ""

  beforeAll(async () => {
    client = await contractClient((await gateway.listen({ port: 0 })).url)
    const { bodies } = await client.call(init, { body: { api_key: "key", user_id: "ada" } })
    token = String(bodies[0]?.session_token)
  })
  afterAll(async () => {
    ended.resolve()
    await gateway.close({ graceMs: 0 })
  })

  const made = async (body: object) => {
    const { status, bodies } = await client.call(create, { token, body })
    expect(status).toBe(201)
    return { id: String(bodies[0]?.id) }
  }

  test("schedules are created, shown, paused, resumed, fired and removed as documented", async () => {
    const params = await made({
      name: "weekly",
      cron: "0 9 * * 1",
      timezone: "Europe/Berlin",
      message: "Go.",
    })
    await made({
      name: "often",
      every: "6h",
      message: "Go.",
      overlap: "queue",
      max_turns: 2,
      max_budget_usd: 0.5,
    })
    await made({
      name: "once",
      at: "2099-01-01T00:00:00Z",
      message: "Go.",
      session: "continue",
      catch_up: "none",
    })
    expect(await client.call(list, { token })).toMatchObject({ status: 200 })
    expect(await client.call(pause, { token, params })).toMatchObject({
      status: 200,
      bodies: [{ state: "paused", next_at: null }],
    })
    expect(await client.call(resume, { token, params })).toMatchObject({
      status: 200,
      bodies: [{ state: "active" }],
    })
    expect(await client.call(run, { token, params })).toMatchObject({
      status: 202,
      bodies: [{ cause: "manual", outcome: "started" }],
    })
    expect(await client.call(run, { token, params })).toMatchObject({ status: 409, code: "schedule_running" })
    const { bodies } = await client.call(show, { token, params })
    expect(bodies).toMatchObject([{ running: true, history: [{ outcome: "started" }] }])
    expect(await client.call(remove, { token, params })).toMatchObject({ status: 204 })
    expect(await client.call(show, { token, params })).toMatchObject({
      status: 404,
      code: "schedule_not_found",
    })
  })

  test.each([
    [422, "invalid_schedule", { name: "x", message: "Go." }],
    [422, "invalid_schedule", { name: "x", message: "Go.", every: "1s" }],
    [422, "invalid_schedule", { name: "x y", message: "Go.", every: "1h" }],
    [422, "invalid_schedule", { name: "x", message: "", every: "1h" }],
    [422, "invalid_schedule", { name: "x", message: "Go.", every: "1h", more: true }],
    [409, "schedule_exists", { name: "often", message: "Go.", every: "1h" }],
    [422, "invalid_schedule", []],
  ])("an invalid schedule is refused with %i %s", async (status, code, body) => {
    expect(await client.call(create, { token, body })).toMatchObject({ status, code })
  })

  test("the bound of a user applies, and every route needs a token and hides other users' schedules", async () => {
    await made({ name: "third", every: "1h", message: "Go." })
    const { id } = await made({ name: "fourth", every: "1h", message: "Go." })
    expect(
      await client.call(create, { token, body: { name: "fifth", every: "1h", message: "Go." } }),
    ).toMatchObject({
      status: 429,
      code: "too_many_schedules",
    })
    const { bodies } = await client.call(init, { body: { api_key: "key", user_id: "eve" } })
    const other = String(bodies[0]?.session_token)
    for (const operation of [list, create, show, pause, resume, run, remove]) {
      expect(await client.call(operation, { params: { id } })).toMatchObject({ status: 401 })
      const asAda = { token: other, params: { id }, headers: { "x-user-id": "ada" } }
      expect(await client.call(operation, asAda)).toMatchObject({ status: 409, code: "user_mismatch" })
      if (operation.includes("{id}")) {
        expect(await client.call(operation, { token: other, params: { id } })).toMatchObject({
          status: 404,
          code: "schedule_not_found",
        })
      }
    }
  })

  test("a gateway that accepts any key, from which anyone could read them, serves no route", async () => {
    const open = createAgent("You answer.", { store: "memory", logger: quiet, allowSchedules: true })
    const { url } = await open.listen({ port: 0 })
    const own = await contractClient(url)
    const { bodies } = await own.call(init, { body: { api_key: "any", user_id: "ada" } })
    for (const operation of [list, create, show, pause, resume, run, remove]) {
      const body = operation === create ? { body: { name: "x", every: "1h", message: "Go." } } : {}
      const answer = await own.call(operation, {
        token: String(bodies[0]?.session_token),
        params: { id: "x" },
        ...body,
      })
      expect(answer).toMatchObject({ status: 403, code: "users_unknown" })
    }
    await open.close({ graceMs: 0 })
  })

  test("every documented success, conflict and missing schedule of these routes was seen", () => {
    const expected = client.contract.documented.filter((answer) =>
      /\/schedules\S* (2\d\d|401|409)$|\/schedules\/\S+ 404$/.test(answer),
    )
    expect(expected).toHaveLength(7 + 7 + 7 + 5)
    expect([...client.answered]).toEqual(expect.arrayContaining(expected))
  })
}
