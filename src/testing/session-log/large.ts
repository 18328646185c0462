import assert from "node:assert/strict"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  createTextDelta,
  openSession,
  requireAcceptedPut,
  runFailed,
  runStarted,
  type SessionLogCase,
  startSession,
  stepStarted,
  toSeq,
} from "./fixtures.ts"

/** Cases about texts that a store makes, writes and reads in slices. */
export const largeCases: readonly SessionLogCase[] = [
  {
    rule: 15,
    name:
      "one call commits large events of several sessions, each text as it was, and refuses them as " +
      "it does small ones",
    async run({ open }) {
      const { log } = await open()
      const sessions = await Promise.all(Array.from({ length: 4 }, () => startSession(log)))
      const texts = [
        "\ufeff名".repeat(200_000),
        '\n"\\\u0001'.repeat(100_000),
        "😀\ud83d".repeat(100_000),
        "x",
      ]
      const batches = sessions.map(({ lease, runId }, index) => {
        const content = [{ type: "text", text: texts[index] ?? "" }] as const
        const entries = [
          createTextDelta(toSeq(lease, 1), runId, "before"),
          createEvent(toSeq(lease, 2), runId, { ...runStarted, content }),
          createEvent(toSeq(lease, 3), runId, stepStarted),
        ]
        return { lease: index === 1 ? { ...lease, epoch: lease.epoch - 1 } : lease, entries }
      })
      const expected = ["ok", "fenced", "ok", "ok"]
      // The second commit is like one after a lost reply.
      for (const _ of ["first", "second"]) assert.deepEqual(await log.commit(batches), expected)
      for (const [index, { sessionId }] of sessions.entries()) {
        const entries = expected[index] === "ok" ? batches[index]?.entries : []
        assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 100 }), entries)
      }
    },
  },
  {
    rule: 15,
    name: "a large message is read from the inbox unchanged, and only by readers that ask for messages",
    async run({ open }) {
      const { log } = await open()
      for (const input of [
        { type: "message", content: largeContent } as const,
        {
          type: "conversation",
          messages: [
            { role: "user", content: largeContent },
            { role: "user", content: [{ type: "text", text: "Go on." }] },
          ],
        } as const,
      ]) {
        const sessionId = await openSession(log)
        const idempotency = { key: "key", bodyHash: "hash" }
        const sent = createMessage(sessionId, { input, context: { place: "here" }, idempotency })
        requireAcceptedPut(await log.put(sent))
        const lease = await claimSession(log, sessionId)
        assert.deepEqual(await log.pending(lease, { messages: false }), [])
        const [command] = await log.pending(lease)
        assert.deepEqual(command, { ...sent, id: command?.id })
        const stored = (await log.session(sessionId))?.storedBytes ?? 0
        assert.ok(stored > 1_000_000)
      }
    },
  },
  {
    rule: 15,
    name: "a large conversation for a busy session is stored as its last message only",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const messages = [
        { role: "user", content: largeContent },
        { role: "user", content: largeContent },
      ] as const
      const conversation = { type: "conversation", messages } as const
      const steering = createMessage(sessionId, { whenBusy: "steer", input: conversation })
      assert.equal((await log.put(steering)).status, "steered")
      const [steer, ...others] = await log.pending(lease, { messages: false })
      assert.deepEqual(others, [])
      const { at } = steering
      assert.deepEqual(steer, { type: "steer", sessionId, runId, at, content: largeContent, id: steer?.id })
      const queued = createMessage(sessionId, { whenBusy: "queue", input: conversation })
      requireAcceptedPut(await log.put(queued))
      await commitOk(log, {
        lease,
        entries: [createEvent(toSeq(lease, 1), runId, runFailed)],
        commandsConsumed: [steer?.id ?? 0],
        runEnded: { runId, state: "failed" },
      })
      const [next] = await log.pending(lease)
      assert.deepEqual(next, { ...queued, input: { type: "message", content: largeContent }, id: next?.id })
    },
  },
]

/** Escapes, lone surrogates and texts of several bytes a character. */
const largeContent = [{ type: "text", text: '\ufeff名"\ud83d'.repeat(200_000) }] as const
