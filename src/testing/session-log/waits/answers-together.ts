import assert from "node:assert/strict"
import type { AnswerCommand } from "../../../core/ports/store/session-log.ts"
import { deliver, openChild, parentOf } from "../../store/tree-fixtures.ts"
import { cancel, commitOk, type SessionLogCase } from "../fixtures.ts"
import {
  createApproval,
  createElicitation,
  createOpening,
  createToolResult,
  createWait,
  putAnswer,
  startAskingSession,
} from "./wait-fixtures.ts"

const segment = { wire: "ag-ui", id: "run \u0000 \ud800 'é" }

export const togetherCases: readonly SessionLogCase[] = [
  {
    rule: 12,
    name: "answers that are put together are all in the inbox, and their wait is closed, before they resolve",
    async run({ open }) {
      const { log, approvals } = await open()
      const asked = await startAskingSession(log, [{}, { kind: "clientTool" }, { kind: "elicitation" }])
      const { sessionId, runId, lease, waits } = asked
      const [first, second, third] = waits
      assert.ok(second && third)
      const commands: readonly AnswerCommand[] = [
        { ...createApproval(sessionId, first, { grant: true }), segment },
        createToolResult(sessionId, second),
        { ...createElicitation(sessionId, third), segment },
      ]
      const accepted = { status: "accepted", runId }
      assert.deepEqual(await log.answerAll(commands), [accepted, accepted, accepted])
      const pending = await log.pending(lease)
      assert.deepEqual(
        pending,
        commands.map((command, index) => {
          return { ...command, runId, toolCallId: waits[index]?.toolCallId, id: pending[index]?.id }
        }),
      )
      assert.equal((await approvals.grants(sessionId)).length, 1)
      assert.deepEqual(await approvals.openWaits({ sessionId, now: 5_000, limit: 10 }), [])
      const again = await log.answerAll(commands)
      assert.deepEqual(
        again.map(({ status }) => status),
        ["answered", "answered", "answered"],
      )
      assert.equal((await log.pending(lease)).length, 3)
      assert.equal((await approvals.grants(sessionId)).length, 1)
    },
  },
  {
    rule: 12,
    name: "each of the answers that are put together has its own outcome, and a refused one prevents no other",
    async run({ open }) {
      const { log } = await open()
      const asked = await startAskingSession(log, [{}, {}, { expiresAt: 4_500 }, {}, {}])
      const { sessionId, lease, waits } = asked
      const [first, second, third, fourth, fifth] = waits
      assert.ok(second && third && fourth && fifth)
      assert.equal((await putAnswer(log, createApproval(sessionId, second))).status, "accepted")
      const outcomes = await log.answerAll([
        createApproval(sessionId, { ...first, nonce: "wrong" }),
        createApproval(sessionId, second),
        createApproval(sessionId, third),
        createApproval(sessionId, fourth),
        createApproval("sess_nobody", fifth),
        createToolResult(sessionId, fifth),
        // The first of two answers in one call counts as well.
        createApproval(sessionId, fourth, { approved: false }),
        createApproval(sessionId, fifth),
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ["wrongNonce", "answered", "expired", "accepted", "unknown", "unknown", "answered", "accepted"],
      )
      const answered = (await log.pending(lease)).map((command) =>
        command.type === "answer" ? [command.waitId, command.answer] : null,
      )
      const approved = { approved: true, editedInput: null, reason: null, grant: false }
      assert.deepEqual(answered, [
        [second.waitId, approved],
        [fourth.waitId, approved],
        [fifth.waitId, approved],
      ])
      assert.deepEqual(await log.answerAll([]), [])
    },
  },
  {
    rule: 12,
    name: "answers that are put together may concern sessions of one tree, in any order",
    async run({ open }) {
      const store = await open()
      const { log } = store
      const root = await parentOf(log)
      await deliver(store, root)
      const child = await openChild(log, root)
      const stranger = await startAskingSession(log)
      const own = createWait(root.runId)
      const below = createWait(child.runId, { rootSessionId: root.sessionId })
      await commitOk(log, createOpening(root, [own], 2))
      await commitOk(log, createOpening(child, [below], 2))
      const outcomes = await log.answerAll([
        createApproval(child.sessionId, below),
        createApproval(stranger.sessionId, stranger.waits[0]),
        createApproval(root.sessionId, own),
      ])
      const runs = [child.runId, stranger.runId, root.runId]
      assert.deepEqual(
        outcomes,
        runs.map((runId) => ({ status: "accepted", runId })),
      )
      for (const { lease } of [child, stranger, root]) {
        const types = (await log.pending(lease)).map(({ type }) => type)
        assert.deepEqual(types, ["answer"])
      }
    },
  },
]

export const sharedTogetherCases: readonly SessionLogCase[] = [
  {
    rule: 12,
    name: "of two processes that put the same answers together, exactly one stores all of them",
    async run({ open }) {
      const [first, second] = [(await open()).log, (await open()).log]
      for (let round = 0; round < 10; round += 1) {
        const { sessionId, lease, waits } = await startAskingSession(first, [{}, {}, {}])
        const commands = waits.map((wait) => createApproval(sessionId, wait))
        const outcomes = await Promise.all([
          first.answerAll(commands),
          second.answerAll(round % 2 === 0 ? commands : commands.toReversed()),
        ])
        const statuses = outcomes.map((each) => [...new Set(each.map(({ status }) => status))].join())
        assert.deepEqual(statuses.toSorted(), ["accepted", "answered"])
        assert.equal((await first.pending(lease)).length, 3)
      }
    },
  },
  {
    rule: 12,
    name: "when answers to a tree and its cancel race, both end, and the answers are before the cancel or too late",
    async run({ open }) {
      const [store, other] = [await open(), await open()]
      for (let round = 0; round < 10; round += 1) {
        const root = await parentOf(store.log)
        await deliver(store, root)
        const child = await openChild(store.log, root)
        const own = createWait(root.runId)
        const below = createWait(child.runId, { rootSessionId: root.sessionId })
        await commitOk(store.log, createOpening(root, [own], 2))
        await commitOk(store.log, createOpening(child, [below], 2))
        const answers = [createApproval(child.sessionId, below), createApproval(root.sessionId, own)]
        const [outcomes, cancelled] = await Promise.all([
          other.log.answerAll(answers),
          store.log.put(cancel(root.sessionId)),
        ])
        assert.equal(cancelled.status, "accepted")
        const statuses = new Set(outcomes.map(({ status }) => status))
        assert.equal(statuses.size, 1)
        assert.ok(statuses.has("accepted") || statuses.has("expired"))
      }
    },
  },
]
