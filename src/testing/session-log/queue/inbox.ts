import assert from "node:assert/strict"
import {
  cancel,
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openRun,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  toSeq,
} from "../fixtures.ts"

export const inboxCases: readonly SessionLogCase[] = [
  {
    rule: 1,
    name: "an accepted message is stored with a queued run before put resolves, and its run opens later",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const command = createMessage(sessionId, {
        at: 5_000,
        context: { nested: { list: [1, null, true] } },
        channel: "web",
        model: "small",
      })
      const { runId, cursor } = requireAcceptedPut(await log.put(command))
      assert.deepEqual({ runId, cursor }, { runId: command.runId, cursor: 0 })
      const run = { id: runId, sessionId, cursor: 0, state: "queued" as const, endSeq: null }
      assert.deepEqual(await log.run(sessionId, runId), run)
      const session = await log.session(sessionId)
      assert.deepEqual([session?.activeRun, session?.hasDueWork], [null, true])
      assert.equal(session?.lastUsedAt, 5_000)
      const lease = await claimSession(log, sessionId)
      const [pending, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual(pending, { ...command, id: pending?.id })
      await openRun(log, lease, { cursor: 3 })
      const opened = { ...run, cursor: 3, state: "open" as const }
      assert.deepEqual(await log.run(sessionId, runId), opened)
      const now = await log.session(sessionId)
      assert.deepEqual([now?.activeRun, now?.hasDueWork], [opened, false])
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: 1,
    name: "the cursor of a later run is the last number before it",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const last = toSeq(lease, 1)
      const runEnded = { runId, state: "failed" as const }
      await commitOk(log, { lease, entries: [createEvent(last, runId, runFailed)], runEnded })
      const next = requireAcceptedPut(await log.put(createMessage(sessionId)))
      assert.equal(next.cursor, last)
      const { state, endSeq } = (await log.run(sessionId, runId)) ?? {}
      assert.deepEqual([state, endSeq], ["failed", last])
      assert.equal(await openRun(log, lease), next.runId)
      assert.equal((await log.session(sessionId))?.activeRun?.id, next.runId)
    },
  },
  {
    rule: null,
    name: "a message to a session that does not exist is unknown, with any id",
    async run({ open }) {
      const { log } = await open()
      for (const id of ["sess_nobody", "", "nul \u0000", "half \ud800", 'quote " and \\']) {
        assert.deepEqual(await log.put(createMessage(id)), { status: "unknown" })
        assert.equal(await log.session(id), null)
        assert.equal(await log.run(id, id), null)
      }
    },
  },
  {
    rule: null,
    name: "a run is found only under its own session",
    async run({ open }) {
      const { log } = await open()
      const { runId } = await startSession(log)
      assert.equal(await log.run(await openSession(log), runId), null)
    },
  },
  {
    rule: null,
    name: "a second message while a run is open is busy and changes nothing",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
      const second = createMessage(sessionId)
      assert.deepEqual(await log.put(second), { status: "busy", runId })
      assert.equal(await log.run(sessionId, second.runId), null)
      assert.equal((await log.pending(await claimSession(log, sessionId))).length, 1)
    },
  },
  {
    rule: null,
    name: "of concurrent messages, exactly one is accepted",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => log.put(createMessage(sessionId))))
      assert.equal(outcomes.filter(({ status }) => status === "accepted").length, 1)
      assert.equal(outcomes.filter(({ status }) => status === "busy").length, 7)
    },
  },
  {
    rule: null,
    name: "a repeated idempotency key returns the existing run, open or ended",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const idempotency = { key: "key \u0000 \ud800", bodyHash: "hash" }
      const first = requireAcceptedPut(await log.put(createMessage(sessionId, { idempotency })))
      const duplicate = { status: "duplicate", runId: first.runId, cursor: 0 }
      assert.deepEqual(await log.put(createMessage(sessionId, { idempotency })), duplicate)
      const lease = await claimSession(log, sessionId)
      const [command] = await log.pending(lease)
      await commitOk(log, {
        lease,
        entries: [createEvent(toSeq(lease, 1), first.runId, runFailed)],
        commandsConsumed: command === undefined ? [] : [command.id],
        runEnded: { runId: first.runId, state: "failed" },
      })
      assert.deepEqual(await log.put(createMessage(sessionId, { idempotency })), duplicate)
      const other = { ...idempotency, bodyHash: "other" }
      assert.deepEqual(await log.put(createMessage(sessionId, { idempotency: other })), {
        status: "keyReused",
      })
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: null,
    name: "an idempotency key belongs to one session",
    async run({ open }) {
      const { log } = await open()
      const idempotency = { key: "key", bodyHash: "hash" }
      for (const sessionId of [await openSession(log), await openSession(log)]) {
        requireAcceptedPut(await log.put(createMessage(sessionId, { idempotency })))
      }
    },
  },
  {
    rule: null,
    name: "concurrent requests with the same idempotency key are one run",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const idempotency = { key: "key", bodyHash: "hash" }
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => log.put(createMessage(sessionId, { idempotency }))),
      )
      assert.equal(outcomes.filter(({ status }) => status === "accepted").length, 1)
      assert.equal(outcomes.filter(({ status }) => status === "duplicate").length, 7)
      assert.equal(new Set(outcomes.map((outcome) => ("runId" in outcome ? outcome.runId : null))).size, 1)
    },
  },
  {
    rule: null,
    name: "a session that is created again, even concurrently, is the existing one",
    async run({ open }) {
      const { log } = await open()
      const id = `sess_${crypto.randomUUID()}`
      const owner = { tenant: "tenant", userId: "user" }
      const created = Array.from({ length: 4 }, () =>
        log.createSession({ id, ...owner, agent: "first", createdAt: 1_000 }),
      )
      await Promise.all(created)
      const { runId } = requireAcceptedPut(await log.put(createMessage(id)))
      await log.createSession({ id, tenant: "other", userId: "other", agent: "second", createdAt: 2_000 })
      const session = await log.session(id)
      assert.deepEqual(
        { agent: session?.agent, createdAt: session?.createdAt },
        { agent: "first", createdAt: 1_000 },
      )
      assert.equal((await log.queuedRuns(id))[0]?.runId, runId)
    },
  },
  {
    rule: null,
    name: "a message keeps every character in every field that a caller can write",
    async run({ open }) {
      const { log } = await open()
      const odd = "nul \u0000, halves \ud800 and \udfff, emoji 👩‍👩‍👧, quote \" and ' and \\, \u2028 $1 ?"
      const sessionId = `sess_${crypto.randomUUID()}`
      const session = { id: sessionId, tenant: odd, userId: odd, agent: odd, createdAt: 1_000 }
      await log.createSession(session)
      assert.deepEqual(await log.session(sessionId), {
        ...session,
        lastUsedAt: 1_000,
        revokedAt: null,
        externalId: null,
        parent: null,
        rootId: sessionId,
        lastSeq: 0,
        storedBytes: 0,
        activeRun: null,
        depth: 0,
        hasDueWork: false,
      })
      const command = createMessage(sessionId, {
        input: { type: "conversation", messages: [{ role: "user", content: [{ type: "text", text: odd }] }] },
        context: { [odd]: odd },
        channel: odd,
        model: odd,
      })
      requireAcceptedPut(await log.put(command))
      const lease = (await log.claimRunnable([odd], 1_000)).find((taken) => taken.sessionId === sessionId)
      assert.ok(lease)
      const [pending] = await log.pending(lease)
      assert.deepEqual(pending, { ...command, id: pending?.id })
      await log.release(lease, { force: true })
      assert.equal((await log.claim(sessionId, [odd]))?.sessionId, sessionId)
    },
  },
  {
    rule: null,
    name: "a message of several megabytes is read back completely",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const text = "0123456789abcdeé".repeat(200_000)
      const command = createMessage(sessionId, {
        input: { type: "message", content: [{ type: "text", text }] },
      })
      requireAcceptedPut(await log.put(command))
      const [pending] = await log.pending(await claimSession(log, sessionId))
      assert.ok(pending?.type === "message")
      assert.deepEqual(pending.input, command.input)
    },
  },
  {
    rule: 12,
    name: "a cancel reaches the open run, with or without its id, and repeating it adds nothing",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const outcome = { status: "accepted", runId, cursor: 0 }
      assert.deepEqual(await log.put(cancel(sessionId)), outcome)
      assert.deepEqual(await log.put(cancel(sessionId, runId)), outcome)
      const [pending, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      assert.deepEqual(pending, { ...cancel(sessionId, runId), id: pending?.id })
    },
  },
  {
    rule: 12,
    name: "there is nothing to cancel if no run is open, or another one than the named run",
    async run({ open }) {
      const { log } = await open()
      const idle = await openSession(log)
      const { sessionId, lease } = await startSession(log)
      const unknown = { status: "unknown" }
      assert.deepEqual(await log.put(cancel("sess_nobody")), unknown)
      assert.deepEqual(await log.put(cancel(idle)), unknown)
      assert.deepEqual(await log.put(cancel(sessionId, "run_other")), unknown)
      assert.deepEqual(await log.put(cancel(sessionId, "\u0000")), unknown)
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: null,
    name: "commands are pending oldest first, until they are consumed",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const { lease } = await startSession(log, { sessionId })
      const queued = requireAcceptedPut(await log.put(createMessage(sessionId, { whenBusy: "queue" })))
      requireAcceptedPut(await log.put(cancel(sessionId, queued.runId)))
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const commands = await log.pending(lease)
      assert.deepEqual(
        commands.map(({ type }) => type),
        ["withdraw", "cancel"],
      )
      const [first, second] = commands.map(({ id }) => id)
      assert.ok(first !== undefined && second !== undefined && first < second)
      await commitOk(log, { lease, entries: [], commandsConsumed: [first] })
      assert.deepEqual(
        (await log.pending(lease)).map(({ id }) => id),
        [second],
      )
    },
  },
]
