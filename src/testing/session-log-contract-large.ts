import assert from "node:assert/strict"
import {
  accepted,
  claimed,
  event,
  message,
  newSession,
  numbered,
  runningSession,
  runStarted,
  type SessionLogCase,
  stepStarted,
  textDelta,
} from "./session-log-contract-fixtures.ts"

/** Texts that a store makes, writes and reads in steps of their own. */
export const largeCases: readonly SessionLogCase[] = [
  {
    rule: 15,
    name: "one call commits large events of several sessions, each text as it was, and refuses them as it does small ones",
    async run({ open }) {
      const { log } = await open()
      const sessions = await Promise.all(Array.from({ length: 4 }, () => runningSession(log)))
      const texts = [
        "\ufeff名".repeat(200_000),
        '\n"\\\u0001'.repeat(100_000),
        "😀\ud83d".repeat(100_000),
        "x",
      ]
      const batches = sessions.map(({ lease, runId }, index) => {
        const content = [{ type: "text", text: texts[index] ?? "" }] as const
        const entries = [
          textDelta(numbered(lease, 1), runId, "before"),
          event(numbered(lease, 2), runId, { ...runStarted, content }),
          event(numbered(lease, 3), runId, stepStarted),
        ]
        return { lease: index === 1 ? { ...lease, epoch: lease.epoch - 1 } : lease, entries }
      })
      const expected = ["ok", "fenced", "ok", "ok"]
      // The second time as after a lost reply.
      for (const _ of ["first", "second"]) assert.deepEqual(await log.commit(batches), expected)
      for (const [index, { sessionId }] of sessions.entries()) {
        const entries = expected[index] === "ok" ? batches[index]?.entries : []
        assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 100 }), entries)
      }
    },
  },
  {
    rule: 15,
    name: "a large message is read from the inbox as it was put",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await newSession(log)
      const content = [{ type: "text", text: '\ufeff名"\ud83d'.repeat(200_000) }] as const
      const sent = message(sessionId, { input: { type: "message", content } })
      accepted(await log.put(sent))
      const [command] = await log.pending(await claimed(log, sessionId))
      assert.ok(command?.type === "message")
      assert.deepEqual(command.input, sent.input)
    },
  },
]
