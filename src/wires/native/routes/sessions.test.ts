import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { NewSession, Principal } from "../../../core/ports/store/session-log.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createTestApp, readProblem, type TestApp } from "../../../http/fixtures/test-app.ts"
import { silentLogger } from "../../../kernel/sessions/fixtures/test-gateway.ts"
import { claimSession, createMessage, openRun } from "../../../testing/session-log/fixtures.ts"
import { sessionResponseSchema, sessionsResponseSchema } from "../schemas/sessions.ts"

let store: Store
let app: TestApp
let headers: Record<string, string>
let principal: Principal
beforeEach(async () => {
  store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const agents = [{ name: "agent" }, { name: "second" }]
  app = createTestApp({ directory: store.directory, agents, validApiKeys: ["key"] })
  const authorized = await app.authorize()
  headers = authorized.headers
  const session = await app.sessions.session(authorized.sessionId)
  principal = { tenant: session?.tenant ?? "", userId: session?.userId ?? "" }
})
afterEach(() => store.close())

async function create(id: string, options: Partial<NewSession> = {}): Promise<void> {
  await store.log.createSession({ id, ...principal, agent: "agent", createdAt: 1_000_000, ...options })
}

async function list(query = "") {
  const response = await app.fetch(`/api/sessions${query}`, { headers })
  const body: unknown = await response.json()
  expect(sessionsResponseSchema.parse(body)).toEqual(body)
  const { sessions, next } = sessionsResponseSchema.parse(body)
  return { ids: sessions.map(({ session_id }) => session_id), next }
}

describe("GET /sessions", () => {
  it("lists the sessions of the token's user, newest first", async () => {
    await create("sess_a")
    await create("sess_b", { createdAt: 2_000_999 })
    await create("sess_other", { userId: "somebody else" })
    await create("sess_tenant", { tenant: "another tenant" })
    const response = await app.fetch("/api/sessions", { headers })
    expect(response.status).toBe(200)
    const { sessions } = sessionsResponseSchema.parse(await response.json())
    expect(sessions.map(({ session_id }) => session_id)).toEqual(["sess_b", "sess_a"])
    expect(sessions[0]).toEqual({
      session_id: "sess_b",
      external_id: null,
      agent: "agent",
      state: "idle",
      active_run_id: null,
      parent: null,
      root_session_id: "sess_b",
      created_at: 2_000,
      last_used_at: 2_000,
      stored_bytes: 0,
    })
  })

  it("filters by agent and state, and hides agents that are not served and revoked sessions", async () => {
    await create("sess_a")
    await create("sess_b", { agent: "second", createdAt: 2_000_000 })
    await create("sess_c", { agent: "elsewhere", createdAt: 3_000_000 })
    await create("sess_d", { createdAt: 4_000_000 })
    await store.log.revokeSession("sess_d", 5_000)
    await store.log.put(createMessage("sess_a"))
    expect((await list()).ids).toEqual(["sess_b", "sess_a"])
    expect((await list("?agent=second")).ids).toEqual(["sess_b"])
    expect((await list("?agent=elsewhere")).ids).toEqual([])
    expect((await list("?state=idle")).ids).toEqual(["sess_b"])
    expect((await list("?state=unserved")).ids).toEqual(["sess_a"])
    await store.directory.serve(["agent"])
    expect((await list("?state=queued&agent=agent")).ids).toEqual(["sess_a"])
    await openRun(store.log, await claimSession(store.log, "sess_a"))
    expect((await list("?state=running&agent=agent")).ids).toEqual(["sess_a"])
  })

  it("continues after the end of a page, even if sessions are created meanwhile", async () => {
    for (const id of ["a", "b", "c", "d", "e"]) await create(`sess_${id}`)
    const first = await list("?limit=2")
    await create("sess_new", { createdAt: 9_000_000 })
    await create("sess_bb")
    const second = await list(`?limit=2&after=${first.next}`)
    const third = await list(`?limit=2&after=${second.next}`)
    expect([first.ids, second.ids, third]).toEqual([
      ["sess_e", "sess_d"],
      ["sess_c", "sess_bb"],
      { ids: ["sess_b", "sess_a"], next: null },
    ])
  })

  it("shows nothing to another user, with any position", async () => {
    await create("sess_a")
    await create("sess_other", { userId: "somebody else", createdAt: 2_000_000 })
    expect((await list("?after=2000000.sess_other")).ids).toEqual(["sess_a"])
    expect((await list(`?after=${Number.MAX_SAFE_INTEGER}.sess_x`)).ids).toEqual(["sess_a"])
    expect((await list("?after=0.x")).ids).toEqual([])
  })

  it.each([
    "",
    "x",
    ".",
    "1.",
    ".a",
    "-1.a",
    "1.a.b",
    "1e3.a",
    "9007199254740993.a",
    "99999999999999999.a",
    "1.%00",
    "1.a%0A",
    `1.${"a".repeat(129)}`,
    "1.'%20OR%201=1",
  ])("refuses the position %j", async (after) => {
    const response = await app.fetch(`/api/sessions?after=${after}`, { headers })
    expect(response.status).toBe(400)
    expect(await readProblem(response)).toMatchObject({ code: "invalid_cursor" })
  })

  it.each([
    "limit=0",
    "limit=201",
    "limit=1e2",
    "limit=",
    "state=open",
    "agent=",
    "agnt=a",
    "limit=1&limit=2",
  ])("refuses the query %s", async (query) => {
    const response = await app.fetch(`/api/sessions?${query}`, { headers })
    expect(response.status).toBe(422)
  })

  it("counts toward the rate limit of the session", async () => {
    const limited = createTestApp({
      directory: store.directory,
      validApiKeys: ["key"],
      rateLimits: { requestsPerMinute: 2 },
    })
    const { headers: own } = await limited.authorize()
    const statuses: number[] = []
    for (let n = 0; n < 3; n += 1) {
      statuses.push((await limited.fetch("/api/sessions", { headers: own })).status)
    }
    expect(statuses).toEqual([200, 200, 429])
  })
})

describe("GET /sessions/{id}", () => {
  it("shows a session of the user with its newest runs", async () => {
    await create("sess_a")
    await store.log.put(createMessage("sess_a", { at: 5_000_000 }))
    const run_id = await openRun(store.log, await claimSession(store.log, "sess_a"))
    const response = await app.fetch("/api/sessions/sess_a", { headers })
    const body: unknown = await response.json()
    expect(sessionResponseSchema.parse(body)).toEqual(body)
    expect(body).toMatchObject({
      session_id: "sess_a",
      active_run_id: run_id,
      runs: [{ run_id, state: "unserved", created_at: 5_000 }],
    })
  })

  it.each([
    "sess_other",
    "sess_elsewhere",
    "sess_revoked",
    "sess_none",
    "%00",
    "a".repeat(5_000),
    "%F0%9F%98%80",
  ])("answers the same for %s as for a session that does not exist", async (id) => {
    await create("sess_other", { userId: "somebody else" })
    await create("sess_elsewhere", { agent: "elsewhere" })
    await create("sess_revoked")
    await store.log.revokeSession("sess_revoked", 5_000)
    const response = await app.fetch(`/api/sessions/${id}`, { headers })
    expect(response.status).toBe(404)
    expect(await readProblem(response)).toMatchObject({ code: "session_not_found" })
  })
})

it.each(["/api/sessions", "/api/sessions/sess_1"])(
  "%s is refused while any API key is accepted, because users are not known",
  async (path) => {
    const open = createTestApp({ directory: store.directory })
    const authorized = await open.authorize()
    const response = await open.fetch(path, { headers: authorized.headers })
    expect(response.status).toBe(403)
    expect(await readProblem(response)).toMatchObject({ code: "users_unknown" })
  },
)
