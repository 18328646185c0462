import assert from "node:assert/strict"
import {
  cancel,
  claimSession,
  createMessage,
  openRun,
  openSession,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
} from "../fixtures.ts"
import { end, listOrder, put } from "./queue-fixtures.ts"

const supersede = { runId: "run_old", reason: "edit" } as const

export const supersedingCases: readonly SessionLogCase[] = [
  {
    rule: 20,
    name: "a message that supersedes a run cancels the open run, withdraws queued ones, and is taken next",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const queued = await put(log, sessionId, "queue")
      const interrupting = await put(log, sessionId, "interrupt")
      const message = createMessage(sessionId, { supersede })
      requireAcceptedPut(await log.put(message))
      const later = await put(log, sessionId, "interrupt")
      assert.deepEqual(await listOrder(log, sessionId), [message.runId, later])
      const commands = await log.pending(lease)
      const found = commands.map(({ type, runId: of }) => `${type} ${of}`).sort()
      const expected = [`cancel ${runId}`, `withdraw ${queued}`, `withdraw ${interrupting}`]
      assert.deepEqual(found, expected.sort())
    },
  },
  {
    rule: 20,
    name: "a message that supersedes a run is due at once in a session without an open run, and keeps its place",
    async run({ open }) {
      const { log } = await open()
      const sessionId = await openSession(log)
      const queued = await put(log, sessionId, "queue")
      const message = createMessage(sessionId, { supersede })
      requireAcceptedPut(await log.put(message))
      const lease = await claimSession(log, sessionId)
      const commands = await log.pending(lease)
      assert.deepEqual(
        commands.map(({ type, runId }) => [type, runId]).sort(),
        [
          ["message", message.runId],
          ["withdraw", queued],
        ].sort(),
      )
      const [stored] = commands.filter(({ type }) => type === "message")
      assert.deepEqual(stored?.type === "message" && stored.supersede, supersede)
      assert.equal(await openRun(log, lease), message.runId)
      await end(log, lease, message.runId, 1)
    },
  },
  {
    rule: 20,
    name: "a second message that supersedes a run withdraws the first, and can be withdrawn itself",
    async run({ open }) {
      const { log } = await open()
      const { sessionId } = await startSession(log)
      requireAcceptedPut(await log.put(createMessage(sessionId, { supersede })))
      const second = createMessage(sessionId, { supersede })
      requireAcceptedPut(await log.put(second))
      assert.deepEqual(await listOrder(log, sessionId), [second.runId])
      requireAcceptedPut(await log.put(cancel(sessionId, second.runId)))
      assert.deepEqual(await listOrder(log, sessionId), [])
    },
  },
]
