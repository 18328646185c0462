import assert from "node:assert/strict"
import { maxQueuedMessages } from "../../../core/ports/store/inbox.ts"
import {
  cancel,
  claimSession,
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  openRun,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  toSeq,
  waitFor,
} from "../fixtures.ts"
import { end, listOrder, put } from "./queue-fixtures.ts"

const never = Number.MAX_SAFE_INTEGER
const soonest = { sessionBytes: 1_000_000, principalIsFull: false }

export const queueCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "queued messages wait for the open run, and are taken one after the other in order",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const first = createMessage(sessionId, { whenBusy: "queue" })
      const outcome = { status: "accepted", runId: first.runId, cursor: 0, position: 1 }
      assert.deepEqual(await log.put(first), outcome)
      const second = await put(log, sessionId, "queue")
      assert.deepEqual(await log.queuedRuns(sessionId), [
        { runId: first.runId, position: 1, notBefore: 0 },
        { runId: second, position: 2, notBefore: 0 },
      ])
      assert.deepEqual(await log.pending(lease), [])
      assert.equal((await log.session(sessionId))?.activeRun?.id, runId)
      await end(log, lease, runId, 1)
      assert.deepEqual(
        (await log.pending(lease)).map((command) => command.runId),
        [first.runId],
      )
      assert.equal(await openRun(log, lease), first.runId)
      assert.deepEqual(await listOrder(log, sessionId), [second])
      assert.deepEqual(await log.pending(lease), [])
      await end(log, lease, first.runId, 2)
      assert.equal(await openRun(log, lease), second)
      assert.deepEqual(await listOrder(log, sessionId), [])
    },
  },
  {
    rule: null,
    name: "the messages in the inbox are listed with their content, and large ones without",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log, { steerable: true })
      assert.deepEqual(await log.inboxMessages(sessionId), [])
      const content = (words: string) => [{ type: "text" as const, text: words }]
      const input = (words: string) => ({ input: { type: "message" as const, content: content(words) } })
      const short = await put(log, sessionId, "queue", input("Then.\u0000 – 漢字"))
      const long = await put(log, sessionId, "queue", input("x".repeat(200_000)))
      const steered = await log.put(createMessage(sessionId, { whenBusy: "steer", ...input("Faster.") }))
      assert.equal(steered.status, "steered")
      const listed = await log.inboxMessages(sessionId)
      assert.deepEqual(
        listed.map(({ id, ...message }) => message),
        [
          { runId: short, steers: false, content: content("Then.\u0000 – 漢字") },
          { runId: long, steers: false, content: null },
          { runId, steers: true, content: content("Faster.") },
        ],
      )
      const [first, second, third] = listed.map(({ id }) => id)
      assert.ok(Number(first) < Number(second) && Number(second) < Number(third))
      requireAcceptedPut(await log.put(cancel(sessionId, short)))
      assert.deepEqual(
        (await log.inboxMessages(sessionId)).map((each) => each.runId),
        [long, runId],
      )
      assert.equal(
        (await log.pending(lease)).some(({ type }) => type === "steer"),
        true,
      )
    },
  },
  {
    rule: 9,
    name: "a message behind a parked run is no work until that run has ended",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const { sessionId, runId, lease } = await startSession(log, { agent })
      assert.equal(await log.release(lease, { parkUntil: never }), "released")
      const { outcome, lease: none } = await log.putAndClaim(
        createMessage(sessionId, { whenBusy: "queue" }),
        [agent],
      )
      const queued = requireAcceptedPut(outcome).runId
      assert.equal((await log.put(createMessage(sessionId, { whenBusy: "steer" }))).status, "steered")
      assert.equal(none, null)
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
      assert.equal(await log.claim(sessionId, [agent]), null)
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const [again] = await log.claimRunnable([agent], 10)
      assert.ok(again)
      const commands = await log.pending(again)
      assert.deepEqual(
        commands.map(({ type }) => type),
        ["steer", "cancel"],
      )
      const entries = [createEvent(toSeq(again, 1), runId, runFailed)]
      const commandsConsumed = commands.map(({ id }) => id)
      await commitOk(log, { lease: again, entries, commandsConsumed, runEnded: { runId, state: "failed" } })
      assert.equal(await log.release(again), "pending")
      assert.equal(await openRun(log, again), queued)
    },
  },
  {
    rule: null,
    name: "a message that rejects finds the session busy while a run is open or queued, and names that run",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const runId = await put(log, sessionId, "queue")
      assert.deepEqual(await log.put(createMessage(sessionId)), { status: "busy", runId })
      const lease = await claimSession(log, sessionId)
      await openRun(log, lease)
      assert.deepEqual(await log.put(createMessage(sessionId)), { status: "busy", runId })
      const next = await put(log, sessionId, "queue")
      await end(log, lease, runId, 1)
      assert.deepEqual(await log.put(createMessage(sessionId)), { status: "busy", runId: next })
    },
  },
  {
    rule: null,
    name: "a message is not due before its time, and delays no other message",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const notBefore = (await log.now()) + 3_600_000
      const later = createMessage(sessionId, { notBefore, whenBusy: "queue" })
      assert.equal(requireAcceptedPut(await log.put(later)).position, 1)
      const session = await log.session(sessionId)
      assert.deepEqual([session?.activeRun, session?.hasDueWork], [null, false])
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
      const now = requireAcceptedPut(await log.put(createMessage(sessionId)))
      assert.equal(now.position, undefined)
      assert.deepEqual(await listOrder(log, sessionId), [now.runId, later.runId])
      const [lease] = await log.claimRunnable([agent], 10)
      assert.ok(lease)
      assert.equal(await openRun(log, lease), now.runId)
      await end(log, lease, now.runId, 1)
      assert.equal(await log.release(lease), "released")
      assert.deepEqual(await log.claimRunnable([agent], 10), [])
    },
  },
  {
    rule: null,
    name: "a message is due at its time",
    async run({ open }) {
      const { log } = await open()
      const agent = createAgentName()
      const sessionId = await openSession(log, { agent })
      const notBefore = (await log.now()) + 400
      const later = requireAcceptedPut(
        await log.put(createMessage(sessionId, { notBefore, whenBusy: "queue" })),
      )
      const [lease] = await waitFor("its time", async () => {
        const leases = await log.claimRunnable([agent], 10)
        return leases.length === 0 ? null : leases
      })
      assert.ok(lease)
      assert.ok((await log.now()) >= notBefore)
      assert.equal(await openRun(log, lease), later.runId)
    },
  },
  {
    rule: null,
    name: "a session has no more waiting messages than the bound, of any kind",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      for (let count = 0; count < maxQueuedMessages; count++) {
        const whenBusy = count % 3 === 0 ? "steer" : "queue"
        assert.notEqual((await log.put(createMessage(sessionId, { whenBusy }))).status, "queueFull")
      }
      for (const whenBusy of ["queue", "interrupt", "steer"] as const) {
        assert.deepEqual(await log.put(createMessage(sessionId, { whenBusy })), { status: "queueFull" })
      }
      assert.deepEqual(await log.put(createMessage(sessionId)), { status: "busy", runId })
      const [first] = await listOrder(log, sessionId)
      requireAcceptedPut(await log.put(cancel(sessionId, first)))
      await put(log, sessionId, "queue")
      assert.equal((await log.pending(lease)).filter(({ type }) => type === "withdraw").length, 1)
    },
  },
  {
    rule: null,
    name: "queued messages count toward the stored size of their session until they are taken, withdrawn or joined",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const stored = async () => (await log.session(sessionId))?.storedBytes ?? 0
      assert.equal(await stored(), 0)
      const text = "x".repeat(10_000)
      const input = { type: "message", content: [{ type: "text", text }] } as const
      const queued = await put(log, sessionId, "queue", { input })
      const withOne = await stored()
      assert.ok(withOne > 10_000)
      assert.equal((await log.put(createMessage(sessionId, { input, whenBusy: "steer" }))).status, "steered")
      assert.ok((await stored()) > withOne + 10_000)
      const full = { ...soonest, sessionBytes: 20_000 }
      const another = createMessage(sessionId, { whenBusy: "queue" })
      assert.deepEqual(await log.put(another, full), { status: "full", scope: "session" })
      requireAcceptedPut(await log.put(cancel(sessionId, queued)))
      const [steer, withdrawn] = await log.pending(lease)
      assert.deepEqual([steer?.type, withdrawn?.type], ["steer", "withdraw"])
      await commitOk(log, {
        lease,
        entries: [],
        commandsConsumed: [steer?.id ?? 0, withdrawn?.id ?? 0],
        runsWithdrawn: [queued],
      })
      assert.equal(await stored(), 0)
      await put(log, sessionId, "queue", { input })
      await end(log, lease, runId, 1)
      await openRun(log, lease)
      assert.equal(await stored(), Buffer.byteLength(JSON.stringify(runFailed)))
    },
  },
  {
    rule: null,
    name: "a repeated idempotency key returns the queued run with its position, or the run that it joined",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId } = await startSession(log)
      await put(log, sessionId, "queue")
      const queueing = { whenBusy: "queue" as const, idempotency: { key: "queue", bodyHash: "hash" } }
      const steering = { whenBusy: "steer" as const, idempotency: { key: "steer", bodyHash: "hash" } }
      const queued = requireAcceptedPut(await log.put(createMessage(sessionId, queueing)))
      assert.equal(queued.position, 2)
      assert.equal((await log.put(createMessage(sessionId, steering))).status, "steered")
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(await log.put(createMessage(sessionId, queueing)), {
          ...queued,
          status: "duplicate",
        })
        const again = await log.put(createMessage(sessionId, steering))
        assert.deepEqual(again, { status: "duplicate", runId, cursor: 0 })
      }
      const other = { ...steering, idempotency: { key: "steer", bodyHash: "other" } }
      assert.deepEqual(await log.put(createMessage(sessionId, other)), { status: "keyReused" })
      assert.equal((await log.queuedRuns(sessionId)).length, 2)
    },
  },
  {
    rule: 13,
    name: "the conversation of a message that must wait is left out, because it cannot know what precedes the message",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const content = [{ type: "text", text: "And now?" }] as const
      const messages = [
        { role: "user", content: [{ type: "text", text: "Hello" }] },
        { role: "user", content },
      ] as const
      await put(log, sessionId, "queue", { input: { type: "conversation", messages } })
      await end(log, lease, runId, 1)
      const [command] = await log.pending(lease)
      assert.ok(command?.type === "message")
      assert.deepEqual(command.input, { type: "message", content })
    },
  },
]
