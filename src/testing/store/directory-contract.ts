import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import {
  type Directory,
  type DirectoryCursor,
  type DirectoryPage,
  type ListedSession,
  maxDirectoryPage,
  type SessionQuery,
} from "../../core/ports/store/directory.ts"
import type { NewSession, Principal, SessionLog } from "../../core/ports/store/session-log.ts"
import {
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  toSeq,
} from "../session-log/fixtures.ts"
import { startAskingSession } from "../session-log/waits/wait-fixtures.ts"

export const directoryCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "sessions are listed newest first, with their owner and their stored bytes",
    async run({ open }) {
      const { log, directory } = await open()
      const principal = newPrincipal()
      const old = await create(log, principal, { createdAt: 1_000 })
      const young = await create(log, principal, { createdAt: 2_000, agent: "odd \u0000\ud800 agent" })
      await create(log, newPrincipal(), { createdAt: 3_000 })
      const { items, next } = await directory.sessions({ principal, limit: 10 })
      const listed = (session: NewSession): ListedSession => ({
        id: session.id,
        ...principal,
        agent: session.agent,
        parent: null,
        rootId: session.id,
        state: "idle",
        activeRunId: null,
        createdAt: session.createdAt,
        lastUsedAt: session.createdAt,
        revokedAt: null,
        storedBytes: 0,
        externalId: null,
      })
      assert.deepEqual([items, next], [[listed(young), listed(old)], null])
      assert.deepEqual(await directory.session(young.id), listed(young))
      for (const odd of ["sess_nobody", "", "\u0000", "\ud800"]) {
        assert.equal(await directory.session(odd), null)
        assert.equal(await directory.run(odd), null)
      }
    },
  },
  {
    rule: null,
    name: "pages of sessions list each session once, even if others are created or removed meanwhile",
    async run({ open }) {
      const { log, directory } = await open()
      const principal = newPrincipal()
      const kept: string[] = []
      // They have the same time, so only their ids order them.
      for (let n = 0; n < 25; n += 1) kept.push((await create(log, principal, { createdAt: 5_000 })).id)
      const seen: string[] = []
      let after: DirectoryCursor | null = null
      do {
        const page: DirectoryPage<ListedSession> = await directory.sessions({
          principal,
          limit: 4,
          ...(after && { after }),
        })
        assert.ok(page.items.length <= 4)
        seen.push(...page.items.map(({ id }) => id))
        await create(log, principal, { createdAt: 5_000 })
        await create(log, principal, { createdAt: 9_000 })
        await create(log, principal, { createdAt: 100 })
        await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 101 })
        after = page.next
      } while (after !== null)
      assert.equal(new Set(seen).size, seen.length)
      assert.deepEqual(
        kept.filter((id) => !seen.includes(id)),
        [],
      )
    },
  },
  {
    rule: null,
    name: "sessions are found by agent, parent, root, state and time, and all filters apply together",
    async run({ open }) {
      const { log, directory } = await open()
      const principal = newPrincipal()
      const root = await create(log, principal, { createdAt: 1_000 })
      const parent = { sessionId: root.id, runId: "run_1", toolCallId: "call_1" }
      const child = await create(log, principal, { createdAt: 2_000, parent, rootId: root.id })
      const ofChild = { sessionId: child.id, runId: "run_2", toolCallId: "call_2" }
      const other = newPrincipal()
      const grandchild = await create(log, other, { createdAt: 3_000, parent: ofChild, rootId: root.id })
      const stranger = await create(log, principal, { createdAt: 4_000 })
      const names = new Map([root, child, grandchild, stranger].map(({ id }, index) => [id, index]))
      const list = async (query: Partial<Parameters<Directory["sessions"]>[0]>) => {
        const { items } = await directory.sessions({ limit: 100, ...query })
        return items.map(({ id }) => names.get(id))
      }
      assert.deepEqual(await list({ rootId: root.id }), [2, 1, 0])
      assert.deepEqual(await list({ rootId: root.id, principal }), [1, 0])
      assert.deepEqual(await list({ rootId: child.id }), [])
      assert.deepEqual(await list({ parentSessionId: root.id }), [1])
      assert.deepEqual(await list({ parentSessionId: child.id, rootId: root.id }), [2])
      assert.deepEqual(await list({ parentSessionId: child.id, principal }), [])
      assert.deepEqual(await list({ principal }), [3, 1, 0])
      assert.deepEqual(await list({ principal, agents: [child.agent, createAgentName()] }), [1])
      assert.deepEqual(await list({ principal, createdFrom: 2_000 }), [3, 1])
      assert.deepEqual(await list({ principal, createdFrom: 1_000, createdBefore: 4_000 }), [1, 0])
      assert.deepEqual(await list({ principal, states: ["running"] }), [])
      assert.deepEqual(await list({ principal, states: ["idle", "running"] }), [3, 1, 0])
      assert.deepEqual(await list({ principal, states: [] }), [])
      assert.deepEqual(await list({ principal, agents: [] }), [])
      const [listed] = (await directory.sessions({ rootId: root.id, limit: 1 })).items
      assert.deepEqual([listed?.parent, listed?.rootId], [ofChild, root.id])
      const session = await log.session(child.id)
      assert.deepEqual([session?.parent, session?.rootId], [parent, root.id])
      const alone = await log.session(stranger.id)
      assert.deepEqual([alone?.parent, alone?.rootId], [null, stranger.id])
    },
  },
  {
    rule: null,
    name: "sessions of all users of a tenant are listed page by page, and the other filters apply as well",
    async run({ open }) {
      const { log, directory } = await open()
      const { tenant } = newPrincipal()
      const [ada, bob] = ["ada", "bob"].map((name) => ({
        tenant: `${tenant} odd \u0000\ud800`,
        userId: name,
      }))
      assert.ok(ada && bob)
      const owners = [ada, bob, newPrincipal(), { ...ada, tenant }, ada, bob]
      const sessions: NewSession[] = []
      for (const [index, owner] of owners.entries())
        sessions.push(await create(log, owner, { createdAt: 1_000 * (index + 1) }))
      const places = new Map(sessions.map(({ id }, index) => [id, index]))
      const list = async (query: Omit<SessionQuery, "limit">, limit = 100) => {
        const { items } = await readAll((page) => directory.sessions({ ...query, ...page, limit }))
        return items.map(({ id }) => places.get(id))
      }
      assert.deepEqual(await list({ tenant: ada.tenant }), [5, 4, 1, 0])
      for (const limit of [1, 2, 3]) assert.deepEqual(await list({ tenant: ada.tenant }, limit), [5, 4, 1, 0])
      assert.deepEqual(await list({ tenant }), [3])
      assert.deepEqual(await list({ tenant: randomIds.next("key") }), [])
      assert.deepEqual(await list({ tenant: ada.tenant, principal: bob }), [5, 1])
      assert.deepEqual(await list({ tenant, principal: bob }), [])
      assert.deepEqual(await list({ tenant, rootId: sessions[5]?.id ?? "" }), [])
      assert.deepEqual(await list({ tenant: ada.tenant, rootId: sessions[5]?.id ?? "" }), [5])
      assert.deepEqual(await list({ tenant: ada.tenant, agents: [sessions[1]?.agent ?? ""] }), [1])
      assert.deepEqual(await list({ tenant: ada.tenant, states: ["running"] }), [])
      assert.deepEqual(await list({ tenant: ada.tenant, createdFrom: 2_000, createdBefore: 6_000 }), [4, 1])
    },
  },
  {
    rule: null,
    name: "a session and its run are running, waiting, or unserved while no process serves their agent",
    async run({ open }) {
      const { log, directory } = await open()
      const running = await startSession(log)
      const asking = await startAskingSession(log)
      const agents = await Promise.all([running, asking].map(({ sessionId }) => agentOf(log, sessionId)))
      const states = async () =>
        Promise.all(
          [running, asking].map(async ({ sessionId, runId }) => [
            (await directory.session(sessionId))?.state,
            (await directory.run(runId))?.state,
          ]),
        )
      const unserved = ["unserved", "unserved"]
      assert.deepEqual(await states(), [unserved, unserved])
      await directory.serve(agents)
      assert.deepEqual(await states(), [
        ["running", "running"],
        ["waiting", "waiting"],
      ])
      await directory.serve([createAgentName(), agents[0] ?? "", agents[0] ?? ""])
      assert.deepEqual(await states(), [["running", "running"], unserved])
      await directory.serve([])
      assert.deepEqual(await states(), [unserved, unserved])
      const entry = createEvent(toSeq(running.lease, 1), running.runId, runFailed)
      await commitOk(log, {
        lease: running.lease,
        entries: [entry],
        runEnded: { runId: running.runId, state: "failed" },
      })
      assert.deepEqual((await states())[0], ["idle", "failed"])
    },
  },
  {
    rule: null,
    name: "runs are found by id, session, principal, agent, parent, root, state and time, newest first",
    async run({ open }) {
      const { log, directory } = await open()
      const principal = newPrincipal()
      const root = await create(log, principal, { createdAt: 1_000 })
      const parent = { sessionId: root.id, runId: "run_1", toolCallId: "call_1" }
      const child = await create(log, principal, { createdAt: 2_000, parent, rootId: root.id })
      const other = await create(log, newPrincipal(), { createdAt: 3_000 })
      const runs: string[] = []
      for (const [session, at] of [
        [root, 5_000],
        [child, 6_000],
        [root, 7_000],
        [other, 8_000],
      ] as const) {
        const { runId } = requireAcceptedPut(await log.put(createMessage(session.id, { at })))
        runs.push(runId)
        if (at === 5_000) await endRun(log, session, runId)
      }
      await directory.serve([root.agent])
      const list = async (query: Partial<Parameters<Directory["runs"]>[0]>) => {
        const { items } = await directory.runs({ limit: 100, ...query })
        return items.map(({ id }) => runs.indexOf(id))
      }
      assert.deepEqual(await list({ principal }), [2, 1, 0])
      assert.deepEqual(await list({ tenant: principal.tenant }), [2, 1, 0])
      assert.deepEqual(await list({ tenant: principal.tenant, sessionId: other.id }), [])
      assert.deepEqual(await list({ sessionId: root.id }), [2, 0])
      assert.deepEqual(await list({ sessionId: other.id, principal }), [])
      assert.deepEqual(await list({ rootId: root.id }), [2, 1, 0])
      assert.deepEqual(await list({ parentSessionId: root.id }), [1])
      assert.deepEqual(await list({ principal, agents: [child.agent, createAgentName()] }), [1])
      assert.deepEqual(await list({ principal, createdFrom: 6_000, createdBefore: 7_000 }), [1])
      assert.deepEqual(await list({ principal, states: ["failed"] }), [0])
      assert.deepEqual(await list({ principal, states: ["unserved"] }), [1])
      assert.deepEqual(await directory.run(runs[1] ?? ""), {
        id: runs[1],
        sessionId: child.id,
        ...principal,
        agent: child.agent,
        parent,
        rootId: root.id,
        state: "unserved",
        createdAt: 6_000,
      })
      const first = await directory.runs({ principal, limit: 2 })
      const second = await directory.runs({ principal, limit: 2, ...(first.next && { after: first.next }) })
      assert.deepEqual(
        [first, second].map(({ items }) => items.map(({ id }) => runs.indexOf(id))),
        [[2, 1], [0]],
      )
      assert.equal(second.next, null)
    },
  },
  {
    rule: null,
    name: "a page is bounded, and a forged position only leads to another place of the same list",
    async run({ open }) {
      const { log, directory } = await open()
      const [principal, other] = [newPrincipal(), newPrincipal()]
      const own = await create(log, principal, { createdAt: 1_000 })
      const foreign = await create(log, other, { createdAt: 2_000 })
      for (const limit of [0, -1, 1, 1_000_000]) {
        assert.equal((await directory.sessions({ principal, limit })).items.length, 1)
      }
      const positions = [
        { createdAt: foreign.createdAt, id: foreign.id },
        { createdAt: Number.MAX_SAFE_INTEGER, id: "\u0000" },
        { createdAt: 1_000, id: "\uffff".repeat(1_000) },
        { createdAt: 2_000, id: "' OR 1 = 1 --" },
      ]
      for (const after of positions) {
        const { items } = await directory.sessions({ principal, after, limit: 5 })
        assert.deepEqual(
          items.map(({ id }) => id),
          [own.id],
        )
      }
      for (const after of [
        { createdAt: 0, id: "" },
        { createdAt: -1, id: "x" },
      ]) {
        assert.deepEqual(await directory.sessions({ principal, after, limit: 5 }), { items: [], next: null })
      }
    },
  },
  {
    rule: null,
    name: "ten thousand sessions are listed page by page during inserts, and rare ones among them are reached",
    async run({ open }) {
      const { log, directory } = await open()
      const principal = newPrincipal()
      const rare = await create(log, principal, { createdAt: 1 })
      const alone = await create(log, newPrincipal(), { createdAt: 1 })
      const ids: string[] = [rare.id]
      const agent = createAgentName()
      for (let batch = 0; batch < 100; batch += 1) {
        const made = Array.from({ length: 100 }, (_, n) =>
          create(log, principal, { createdAt: 10 + batch, agent: n === 0 ? rare.agent + batch : agent }),
        )
        ids.push(...(await Promise.all(made)).map(({ id }) => id))
      }
      const seen = await readAll(async (page) => {
        // Before, among and after the sessions that are listed.
        for (const createdAt of [5, 50, 500]) await create(log, principal, { createdAt, agent })
        return directory.sessions({ principal, limit: maxDirectoryPage, ...page })
      })
      const listed = seen.items.map(({ id }) => id)
      assert.equal(new Set(listed).size, listed.length)
      const known = new Set(listed)
      assert.deepEqual(
        ids.filter((id) => !known.has(id)),
        [],
      )
      const found = await readAll((page) =>
        directory.sessions({ principal, agents: [rare.agent], limit: 50, ...page }),
      )
      assert.deepEqual(
        found.items.map(({ id }) => id),
        [rare.id],
      )
      // An index finds the sessions of a tenant, so the first page has them.
      const ofTenant = await directory.sessions({ tenant: alone.tenant, limit: 50 })
      assert.deepEqual([ofTenant.items.map(({ id }) => id), ofTenant.next], [[alone.id], null])
      // Each page examined a bounded number of sessions.
      assert.ok(found.pages > 3, `${found.pages} pages`)
    },
  },
]

/** Cases for stores that several processes may open. */
export const sharedDirectoryCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "an agent is served as long as one live process serves it",
    async run({ open, crash }) {
      const [first, second, viewer] = [await open(), await open(), await open()]
      const { sessionId } = await startSession(first.log)
      const agent = await agentOf(first.log, sessionId)
      const state = async () => (await viewer.directory.session(sessionId))?.state
      assert.equal(await state(), "unserved")
      await first.directory.serve([agent])
      await second.directory.serve([agent])
      assert.equal(await state(), "running")
      await crash(first)
      assert.equal(await state(), "running")
      await crash(second)
      assert.equal(await state(), "unserved")
    },
  },
]

function newPrincipal(): Principal {
  return { tenant: randomIds.next("key"), userId: "odd \u0000\ud800 user" }
}

async function create(
  log: SessionLog,
  principal: Principal,
  options: Partial<NewSession>,
): Promise<NewSession> {
  const session = {
    id: randomIds.next("sess"),
    ...principal,
    agent: createAgentName(),
    createdAt: 0,
    ...options,
  }
  await log.createSession(session)
  return session
}

async function agentOf(log: SessionLog, sessionId: string): Promise<string> {
  return (await log.session(sessionId))?.agent ?? ""
}

async function endRun(log: SessionLog, { id, agent }: NewSession, runId: string): Promise<void> {
  const lease = await log.claim(id, [agent])
  assert.ok(lease)
  const commands = await log.pending(lease)
  const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
  const commandsConsumed = commands.map((command) => command.id)
  await commitOk(log, { lease, entries, commandsConsumed, runEnded: { runId, state: "failed" } })
  await log.release(lease, { force: true })
}

async function readAll<Listed>(
  read: (position: { readonly after?: DirectoryCursor }) => Promise<DirectoryPage<Listed>>,
): Promise<{ readonly items: readonly Listed[]; readonly pages: number }> {
  const items: Listed[] = []
  let after: DirectoryCursor | null = null
  let pages = 0
  do {
    const page: DirectoryPage<Listed> = await read(after === null ? {} : { after })
    items.push(...page.items)
    pages += 1
    after = page.next
  } while (after !== null)
  return { items, pages }
}
