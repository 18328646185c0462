import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, it, onTestFinished } from "vitest"
import { patienceMs } from "../../test/patience.ts"
import type { Plugin } from "../core/ports/plugin.ts"
import type { Occurrence } from "../core/ports/store/schedules.ts"
import { type ScriptedTurn, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"
import type { Gateway } from "./gateway.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const provider = scriptedProvider(() => [{ type: "text", text: "Done." }])
const rare = { cron: "0 9 1 1 *", timezone: "Europe/Berlin", message: "Look." }

function agentWith(options: AgentOptions): Gateway {
  const gateway = createAgent("You work.", {
    store: "memory",
    logger: silent,
    provider,
    validApiKeys: ["key"],
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-schedules-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function untilOccurrences(gateway: Gateway, count: number): Promise<void> {
  await expect.poll(async () => (await historyOf(gateway)).length).toBeGreaterThanOrEqual(count)
}

async function historyOf(gateway: Gateway): Promise<readonly Occurrence[]> {
  const schedules = await gateway.schedules.list()
  return (await Promise.all(schedules.map(({ id }) => gateway.schedules.history(id)))).flat()
}

async function only(gateway: Gateway) {
  const [schedule, ...others] = await gateway.schedules.list()
  expect(others).toEqual([])
  if (schedule === undefined) throw new Error("There is no schedule.")
  return schedule
}

interface Reply {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function tokenOf(gateway: Gateway, user_id = "ada"): Promise<{ token: string; session: string }> {
  const init = await gateway.fetch(
    new Request("http://localhost/api/chat/init", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: "key", user_id }),
    }),
  )
  const { session_token, session_id } = (await init.json()) as { session_token: string; session_id: string }
  return { token: session_token, session: session_id }
}

async function call(gateway: Gateway, token: string, route: string, body?: object): Promise<Reply> {
  const [method = "", path] = route.split(" ")
  const reply = await gateway.fetch(
    new Request(`http://localhost/api${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  )
  const text = await reply.text()
  return { status: reply.status, body: text === "" ? {} : JSON.parse(text) }
}

describe("schedules of the options", () => {
  it("send their message in a new session each time, with the run's limits and context", async () => {
    const contexts: unknown[] = []
    const looking: Plugin = {
      name: "looking",
      setup: () => ({
        subscriber: {
          timeoutMs: 5_000,
          onEvents({ entries }) {
            for (const { event } of entries) if (event.type === "runStarted") contexts.push(event.context)
          },
        },
      }),
    }
    const gateway = agentWith({
      schedules: [{ name: "often", every: "1s", message: "Look.", maxTurns: 1 }],
      plugins: [looking],
    })
    await gateway.prepare()
    await untilOccurrences(gateway, 2)
    const history = await historyOf(gateway)
    const started = history.filter(({ outcome }) => outcome === "started")
    expect(started.length).toBeGreaterThanOrEqual(1)
    expect(new Set(started.map(({ sessionId }) => sessionId)).size).toBe(started.length)
    await expect.poll(() => contexts.length).toBeGreaterThanOrEqual(1)
    const oldest = history.at(-1)
    expect(contexts[0]).toEqual({
      channel: "schedule",
      schedule: "often",
      scheduled_for: new Date(oldest?.at ?? 0).toISOString(),
    })
  })

  it("continue one session, which may belong to a user", async () => {
    const gateway = agentWith({
      schedules: [
        {
          name: "often",
          every: "1s",
          message: "Look.",
          session: "continue",
          overlap: "queue",
          userId: "ada",
        },
      ],
    })
    await gateway.prepare()
    await untilOccurrences(gateway, 3)
    const sessions = new Set((await historyOf(gateway)).map(({ sessionId }) => sessionId))
    expect(sessions.size).toBe(1)
    expect(await only(gateway)).toMatchObject({
      tenant: "app_default",
      userId: "ada",
      sessionId: [...sessions][0],
    })
  })

  it("stay unchanged at the next start, change with the options, and are removed with them", async () => {
    const store = await folder()
    const start = async (options: AgentOptions) => {
      const gateway = agentWith({ store, ...options })
      await gateway.prepare()
      return gateway
    }
    const first = await start({ schedules: [{ name: "yearly", ...rare }] })
    const { id, nextAt } = await only(first)
    await first.schedules.pause(id)
    await first.close({ graceMs: 0 })
    const same = await start({ schedules: [{ name: "yearly", ...rare }] })
    expect(await only(same)).toMatchObject({ id, state: "paused", nextAt: null })
    expect(await same.schedules.resume(id)).toMatchObject({ state: "active", nextAt })
    await same.close({ graceMs: 0 })
    const changed = await start({ schedules: [{ name: "yearly", ...rare, cron: "0 10 1 1 *" }] })
    expect(await only(changed)).toMatchObject({ id, nextAt: (nextAt ?? 0) + 3_600_000 })
    await changed.close({ graceMs: 0 })
    const none = await start({ schedules: [] })
    expect(await none.schedules.list()).toEqual([])
  })

  it("are run now, also while paused, but not twice at once", async () => {
    const end = Promise.withResolvers<void>()
    const slow: ScriptedTurn = [
      { type: "wait", until: end.promise },
      { type: "text", text: "Done." },
    ]
    const gateway = agentWith({
      schedules: [{ name: "yearly", ...rare }],
      provider: scriptedProvider([slow]),
    })
    await gateway.prepare()
    const { id } = await only(gateway)
    await gateway.schedules.pause(id)
    const { runId, cause } = await gateway.schedules.run(id)
    expect({ cause, runId }).toEqual({ cause: "manual", runId: expect.any(String) })
    expect(await only(gateway)).toMatchObject({ isRunning: true, lastRunId: runId, state: "paused" })
    await expect(gateway.schedules.run(id)).rejects.toMatchObject({ code: "schedule_running", status: 409 })
    end.resolve()
    await expect.poll(async () => (await only(gateway)).isRunning).toBe(false)
    await expect(gateway.schedules.pause("sched_none")).rejects.toMatchObject({ code: "schedule_not_found" })
  })

  it("fire and are listed, although the rows of others cannot be used", async () => {
    const store = await folder()
    const owner = { agent: "agent", tenant: "acme", userId: "ada" }
    const former = agentWith({ store })
    const create = (name: string) =>
      former.schedules.create({ ...owner, name, terms: { every: "1s", message: `Look at ${name}.` } })
    const [good, long, broken] = [await create("good"), await create("long"), await create("broken")]
    await former.close({ graceMs: 0 })
    const file = new DatabaseSync(join(store, "gateway.db"))
    const damage = "UPDATE schedule SET spec = ?, next_at = ?, wake_at = 0 WHERE id = ?"
    const spec = JSON.stringify({ ...long.spec, every: "999999999d" })
    file.prepare(damage).run(spec, 86_399_999_913_600_000n, long.id)
    file.prepare(damage).run("{", 0, broken.id)
    file.close()

    const errors: object[] = []
    const logger = { ...silent, error: (fields: object) => void errors.push(fields) }
    const gateway = agentWith({ store, logger, allowSchedules: true })
    await gateway.prepare()
    const paused = { state: "paused", reason: "invalid_schedule", nextAt: null }
    // Schedules of the same millisecond are listed in any order.
    const listed = new Map((await gateway.schedules.list()).map((schedule) => [schedule.id, schedule]))
    expect(listed.get(good.id)).toMatchObject({ state: "active" })
    expect(listed.get(long.id)).toMatchObject({ spec: { message: "Look at long." }, ...paused })
    expect(listed.get(broken.id)).toMatchObject(paused)
    const fired = async () => (await gateway.schedules.history(good.id)).length
    await expect.poll(fired, { timeout: patienceMs }).toBeGreaterThan(0)
    await expect.poll(() => errors.length, { timeout: patienceMs }).toBe(2)
    for (const { id } of [long, broken]) {
      expect(errors).toContainEqual(expect.objectContaining({ scheduleId: id }))
    }
    for (const { id } of [long, broken]) {
      await expect(gateway.schedules.resume(id)).rejects.toMatchObject({ code: "invalid_schedule" })
      await expect(gateway.schedules.run(id)).rejects.toMatchObject({ code: "invalid_schedule" })
    }
    await gateway.schedules.replace(long.id, { every: "1h", message: "Look." })
    expect(await gateway.schedules.find(long.id)).toMatchObject({ state: "active", reason: null })
    await gateway.schedules.remove(broken.id)
  })

  it("are not touched by a gateway that only reads the store, nor by one that executes a single run", async () => {
    for (const options of [{ idle: true }, { mode: "run" }] as const) {
      const gateway = agentWith({ schedules: [{ name: "yearly", ...rare }] })
      await gateway.prepare(options)
      expect(await gateway.schedules.list()).toEqual([])
    }
  })

  it.each([
    [{ name: "x", message: "Look." }, /x: expected exactly one of cron, every and at/],
    [{ name: "x", message: "Look.", cron: "* * *" }, /x: cron: /],
    [{ name: "x", message: "Look.", cron: "0 0 30 2 *" }, /no next occurrence/],
    [{ name: "x", message: "Look.", every: "1s", timezone: "Mars/Olympus" }, /x: timezone/],
    [{ name: "x", message: "Look.", every: "1s", mesage: "" }, /x: unknown option mesage/],
    [{ name: "a b", message: "Look.", every: "1s" }, /schedules/],
    [{ name: "x", message: "Look.", every: "1s", tenant: "t" }, /x: tenant needs userId/],
  ])("%j are refused", async (schedule, message) => {
    expect.assertions(1)
    try {
      await agentWith({ schedules: [schedule as never] }).prepare()
    } catch (error) {
      expect((error as Error).message).toMatch(message)
    }
  })
})

describe("schedules of users", () => {
  it("have no routes unless they are allowed", async () => {
    const gateway = agentWith({ schedules: [{ name: "yearly", ...rare }] })
    const { token } = await tokenOf(gateway)
    expect((await call(gateway, token, "GET /schedules")).status).toBe(404)
  })

  it("are created, listed, paused, resumed, run and removed over HTTP", async () => {
    const gateway = agentWith({ allowSchedules: { users: true } })
    const { token, session } = await tokenOf(gateway)
    const wanted = { name: "yearly", ...rare, session: "continue", catch_up: "none", max_turns: 3 }
    const made = await call(gateway, token, "POST /schedules", wanted)
    expect(made).toMatchObject({
      status: 201,
      body: { ...wanted, made_by: "user", state: "active", session_id: session, next_at: expect.any(String) },
    })
    const path = `/schedules/${made.body.id}`
    expect((await call(gateway, token, "GET /schedules")).body).toEqual({ schedules: [made.body] })
    expect((await call(gateway, token, `POST ${path}/pause`)).body).toMatchObject({
      state: "paused",
      next_at: null,
    })
    expect((await call(gateway, token, `POST ${path}/resume`)).body).toEqual(made.body)
    expect(await call(gateway, token, `POST ${path}/run`)).toMatchObject({
      status: 202,
      body: { cause: "manual", outcome: "started", session_id: session },
    })
    expect((await call(gateway, token, `GET ${path}`)).body.history).toHaveLength(1)
    expect((await call(gateway, token, `DELETE ${path}`)).status).toBe(204)
    expect((await call(gateway, token, `GET ${path}`)).status).toBe(404)
  })

  it("are visible only to their owner, and those of the options to no user", async () => {
    const gateway = agentWith({
      allowSchedules: { users: true },
      schedules: [{ name: "own", ...rare, userId: "ada" }],
    })
    const [ada, eve] = [await tokenOf(gateway), await tokenOf(gateway, "eve")]
    const { body } = await call(gateway, ada.token, "POST /schedules", { name: "yearly", ...rare })
    const all = await gateway.schedules.list()
    expect(all).toHaveLength(2)
    for (const { id } of all) {
      for (const route of [`GET /schedules/${id}`, `POST /schedules/${id}/run`, `DELETE /schedules/${id}`])
        expect({ route, status: (await call(gateway, eve.token, route)).status }).toEqual({
          route,
          status: 404,
        })
    }
    expect((await call(gateway, eve.token, "GET /schedules")).body).toEqual({ schedules: [] })
    expect((await call(gateway, ada.token, "GET /schedules")).body).toEqual({ schedules: [body] })
  })

  it.each([
    [{ name: "x", message: "Look.", every: "30s" }, "at least 60 s"],
    [{ name: "x", message: "Look.", cron: "* * * * * *" }, "at least 60 s"],
    [{ name: "x", message: "Look.", every: "999999999d" }, "longer than 36500 days"],
    [{ name: "x", message: "Look.", at: "2020-01-01T00:00:00Z" }, "has passed"],
    [{ name: "x", message: "Look.", at: "tomorrow" }, "at: "],
    [{ name: "x", message: "x".repeat(20_000), every: "1h" }, "message: "],
    [{ name: 5, message: "Look.", every: "1h" }, "name: "],
    [{ name: "x", message: "Look.", every: "1h", cron: "0 0 * * *" }, "exactly one"],
    [{ name: "x", message: "Look.", every: "1h", userId: "eve" }, "unknown option userId"],
  ])("invalid schedule number %# is refused with the reason", async (body, problem) => {
    const gateway = agentWith({ allowSchedules: true })
    const { token } = await tokenOf(gateway)
    const reply = await call(gateway, token, "POST /schedules", body)
    expect(reply).toMatchObject({ status: 422, body: { code: "invalid_schedule" } })
    expect(JSON.stringify(reply.body)).toContain(problem)
  })

  it("are bounded in number", async () => {
    const gateway = agentWith({ allowSchedules: { users: true, maxPerUser: 2, maxSchedules: 3 } })
    const statuses = []
    for (const [user, name] of [
      ["ada", "a"],
      ["ada", "a"],
      ["ada", "b"],
      ["ada", "c"],
      ["eve", "a"],
      ["eve", "b"],
    ] as const) {
      const { token } = await tokenOf(gateway, user)
      const { status, body } = await call(gateway, token, "POST /schedules", { name, ...rare })
      statuses.push(status === 201 ? "created" : body.code)
    }
    expect(statuses).toEqual([
      "created",
      "schedule_exists",
      "created",
      "too_many_schedules",
      "created",
      "too_many_schedules",
    ])
  })
})

describe("an agent that may schedule messages", () => {
  it("schedules a message in its own session, and lists and removes its messages", async () => {
    const results: string[] = []
    const use = (name: string, input: object): ScriptedTurn => [
      { type: "toolCall", name: "schedule_message", input: { name, ...input } },
    ]
    const listen = scriptedProvider(({ messages, tools }) => {
      const last = messages.at(-1)
      if (last?.role === "tool") {
        results.push(JSON.stringify(last))
        return [{ type: "text", text: "Noted." }]
      }
      const said = JSON.stringify(last)
      if (said.includes("Remind me")) return use("tea", { message: "Make tea.", in: "2s" }) as never
      if (said.includes("list")) return [{ type: "toolCall", name: "list_scheduled_messages", input: {} }]
      if (said.includes("cancel"))
        return [{ type: "toolCall", name: "cancel_scheduled_message", input: { name: "tea" } }]
      return [{ type: "text", text: `${said.includes("Make tea.")} ${tools.length}` }]
    })
    const gateway = agentWith({ allowSchedules: { agent: true }, provider: listen })
    const { sessionId } = await gateway.run("Remind me of the tea.")
    const schedule = await only(gateway)
    expect(schedule).toMatchObject({ name: "tea", origin: "agent", sessionId, tenant: "local" })
    await untilOccurrences(gateway, 1)
    const [fired] = await historyOf(gateway)
    expect(fired).toMatchObject({ outcome: "started", sessionId })
    await expect.poll(async () => (await only(gateway)).isRunning).toBe(false)
    expect(await only(gateway)).toMatchObject({ state: "ended", nextAt: null })
    await gateway.run("Please cancel it.")
    expect(await gateway.schedules.list()).toEqual([])
    await gateway.run("Please list them.")
    expect(results.at(-1)).toContain("messages")
  })

  it("receives the reason as an error if a message is invalid", async () => {
    const seen: string[] = []
    const listen = scriptedProvider(({ messages }) => {
      const last = messages.at(-1)
      if (last?.role !== "tool")
        return [
          { type: "toolCall", name: "schedule_message", input: { name: "x", message: "y", in: "soon" } },
        ]
      seen.push(JSON.stringify(last))
      return [{ type: "text", text: "Sorry." }]
    })
    const gateway = agentWith({ allowSchedules: { agent: true }, provider: listen })
    await gateway.run("Remind me.")
    expect(seen[0]).toContain("invalid_schedule")
    expect(await gateway.schedules.list()).toEqual([])
  })
})
