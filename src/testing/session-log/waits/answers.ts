import assert from "node:assert/strict"
import {
  cancel,
  commitOk,
  readNext,
  requireAcceptedPut,
  type SessionLogCase,
  startSession,
} from "../fixtures.ts"
import { createOrigin } from "./tool-origin.ts"
import {
  createApproval,
  createElicitation,
  createEnding,
  createOpening,
  createToolResult,
  createWait,
  decider,
  oddText,
  putAnswer,
  readQualifier,
  startAskingSession,
  type WaitOptions,
} from "./wait-fixtures.ts"

export const answerCases: readonly SessionLogCase[] = [
  {
    rule: 1,
    name: "an accepted answer is in the inbox with its run, and its wait is closed, before answer resolves",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, runId, lease, waits } = await startAskingSession(log, [{}, { kind: "clientTool" }])
      const [asked, opened] = waits
      assert.ok(opened)
      const commands = [
        createApproval(sessionId, asked, { editedInput: { to: "nobody" }, reason: "safer", grant: true }),
        createToolResult(sessionId, opened),
      ]
      for (const command of commands) {
        assert.deepEqual(await putAnswer(log, command), { status: "accepted", runId })
        assert.equal((await approvals.wait(sessionId, command))?.state, "answered")
      }
      const pending = await log.pending(lease)
      assert.deepEqual(
        pending,
        commands.map((command, index) => {
          return { ...command, runId, toolCallId: waits[index]?.toolCallId, id: pending[index]?.id }
        }),
      )
    },
  },
  {
    rule: null,
    name: "an answer to a wait that does not exist is unknown, with any ids and nonce",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease, waits } = await startAskingSession(log)
      const [wait] = waits
      const other = await startSession(log)
      const odd = ["sess_nobody", "", "\u0000", "\ud800", "x".repeat(100_000)]
      for (const id of odd) {
        assert.deepEqual(await putAnswer(log, createApproval(id, wait)), { status: "unknown" })
        const elsewhere = createApproval(sessionId, { ...wait, waitId: id })
        assert.deepEqual(await putAnswer(log, elsewhere), { status: "unknown" })
      }
      assert.deepEqual(await putAnswer(log, createApproval(other.sessionId, wait)), { status: "unknown" })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, wait)), { status: "unknown" })
      assert.deepEqual(await log.pending(lease), [])
    },
  },
  {
    rule: null,
    name: "a wrong nonce changes nothing, and the correct one is accepted afterwards",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, runId, lease, waits } = await startAskingSession(log)
      const [wait] = waits
      for (const nonce of ["", `${wait.nonce}x`, wait.nonce.slice(1), "\u0000", "\ud800"]) {
        assert.deepEqual(await putAnswer(log, createApproval(sessionId, { ...wait, nonce })), {
          status: "wrongNonce",
        })
      }
      assert.equal((await approvals.wait(sessionId, wait))?.state, "open")
      assert.deepEqual(await log.pending(lease), [])
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), [])
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, wait)), { status: "accepted", runId })
    },
  },
  {
    rule: null,
    name: "a second answer is reported as such, even if it is late or its nonce is wrong",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, runId, lease, waits } = await startAskingSession(log)
      const [wait] = waits
      const first = createApproval(sessionId, wait)
      assert.deepEqual(await putAnswer(log, first), { status: "accepted", runId })
      const others = [
        first,
        { ...first, approved: false },
        { ...first, nonce: "wrong" },
        { ...first, at: wait.expiresAt + 1 },
      ]
      for (const other of others) assert.deepEqual(await putAnswer(log, other), { status: "answered" })
      assert.equal((await log.pending(lease)).length, 1)
      assert.equal((await approvals.audit({ sessionId, limit: 10 })).length, 1)
    },
  },
  {
    rule: null,
    name: "an answer counts until just before its wait expires, with any nonce",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, runId, waits } = await startAskingSession(log)
      const [wait] = waits
      const late = createApproval(sessionId, wait, { at: wait.expiresAt })
      assert.deepEqual(await putAnswer(log, late), { status: "expired" })
      assert.deepEqual(await putAnswer(log, { ...late, nonce: "wrong" }), { status: "expired" })
      // The run closes it, so that the log contains the model's result.
      assert.equal((await approvals.wait(sessionId, wait))?.state, "open")
      const inTime = createApproval(sessionId, wait, { at: wait.expiresAt - 1 })
      assert.deepEqual(await putAnswer(log, inTime), { status: "accepted", runId })
    },
  },
  {
    rule: null,
    name: "of concurrent answers, exactly one is accepted",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, lease, waits } = await startAskingSession(log)
      const [wait] = waits
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          putAnswer(log, createApproval(sessionId, wait, { approved: n % 2 === 0 })),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === "accepted").length, 1)
      assert.equal(outcomes.filter(({ status }) => status === "answered").length, 7)
      const [command, ...others] = await log.pending(lease)
      assert.deepEqual(others, [])
      const [record, ...more] = await approvals.audit({ sessionId, limit: 10 })
      assert.deepEqual(more, [])
      assert.ok(command?.type === "answer" && command.kind === "approval")
      assert.equal(record?.action, command.answer.approved ? "approved" : "denied")
    },
  },
  {
    rule: null,
    name: "several open waits are answered in any order, each separately",
    async run({ open }) {
      const { log, approvals } = await open()
      const { sessionId, lease, waits } = await startAskingSession(log, [{}, {}, {}, { kind: "clientTool" }])
      const [first, second, third, fourth] = waits
      assert.ok(second && third && fourth)
      const order = [third, first, fourth, second]
      for (const [index, wait] of order.entries()) {
        const answer =
          wait.kind === "approval" ? createApproval(sessionId, wait) : createToolResult(sessionId, wait)
        assert.equal((await putAnswer(log, answer)).status, "accepted")
        const open = await approvals.openWaits({ sessionId, now: 5_000, limit: 10 })
        const left = waits.filter((each) => !order.slice(0, index + 1).includes(each))
        assert.deepEqual(callsOf(open), callsOf(left))
      }
      const answers = (await log.pending(lease)).filter((command) => "toolCallId" in command)
      assert.deepEqual(callsOf(answers), callsOf(order))
    },
  },
  {
    rule: null,
    name: "a client tool's call that waited for an approval waits for its result with the same id",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, runId, waits } = session
      const [asked] = waits
      assert.equal((await putAnswer(log, createApproval(sessionId, asked))).status, "accepted")
      const opened = createWait(runId, { kind: "clientTool", toolCallId: asked.toolCallId })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, opened)), { status: "unknown" })
      await commitOk(log, createOpening(session, [opened], 2))
      const expected = { ...opened, sessionId, tenant: "tenant", userId: "user", state: "open" }
      assert.deepEqual(await approvals.wait(sessionId, opened), expected)
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, asked)), { status: "answered" })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, asked)), { status: "unknown" })
      const wrong = createToolResult(sessionId, { ...opened, nonce: asked.nonce })
      assert.deepEqual(await putAnswer(log, wrong), { status: "wrongNonce" })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, opened)), {
        status: "accepted",
        runId,
      })
      assert.deepEqual(await putAnswer(log, createToolResult(sessionId, opened)), { status: "answered" })
    },
  },
  {
    rule: null,
    name: "a question to the user is stored as it was asked and answered, and the same call may ask again",
    async run({ open }) {
      const { log, approvals } = await open()
      const schema = { type: "object", title: oddText }
      const question = { mode: "form", message: oddText, schema } as const
      const form: WaitOptions = { kind: "elicitation", origin: createOrigin("hotel"), question }
      const session = await startAskingSession(log, [form])
      const { sessionId, runId, lease, waits } = session
      const [asked] = waits
      const expected = { ...asked, sessionId, tenant: "tenant", userId: "user", state: "open" }
      assert.deepEqual(await approvals.openWaits({ sessionId, kind: "elicitation", now: 5_000, limit: 10 }), [
        expected,
      ])
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, asked, { grant: true })), {
        status: "unknown",
      })
      const first = createElicitation(sessionId, asked, { content: { [oddText]: [oddText, null, 1.5] } })
      assert.deepEqual(await putAnswer(log, first), { status: "accepted", runId })
      const [command] = await log.pending(lease)
      assert.deepEqual(command, { ...first, runId, toolCallId: asked.toolCallId, id: command?.id })
      const again = createWait(runId, { ...form, toolCallId: asked.toolCallId })
      await commitOk(log, createOpening(session, [again], 2))
      assert.deepEqual(await putAnswer(log, first), { status: "answered" })
      const second = createElicitation(sessionId, again, { action: "decline", content: null })
      assert.deepEqual(await putAnswer(log, second), { status: "accepted", runId })
      const trail = await approvals.audit({ sessionId, limit: 10 })
      assert.deepEqual(
        trail.map(({ action, toolCallId, decidedBy }) => [action, toolCallId, decidedBy]),
        ["declined", "accepted"].map((action) => [action, asked.toolCallId, decider]),
      )
      assert.equal(JSON.stringify(trail).includes("1.5"), false)
      assert.deepEqual(await approvals.grants(sessionId), [])
    },
  },
  {
    rule: null,
    name: "of two waits of one kind for the same call, the newer one is found by the call and receives the answer",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log)
      const { sessionId, runId, waits } = session
      const [asked] = waits
      assert.equal((await putAnswer(log, createApproval(sessionId, asked))).status, "accepted")
      const again = createWait(runId, { toolCallId: asked.toolCallId })
      await commitOk(log, createOpening(session, [again], 2))
      const { toolCallId, kind } = asked
      assert.equal((await approvals.wait(sessionId, { toolCallId, kind }))?.waitId, again.waitId)
      assert.equal((await approvals.wait(sessionId, { waitId: asked.waitId }))?.state, "answered")
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, asked)), { status: "answered" })
      const former = createApproval(sessionId, { ...again, nonce: asked.nonce })
      assert.deepEqual(await putAnswer(log, former), { status: "wrongNonce" })
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, again)), { status: "accepted", runId })
    },
  },
  {
    rule: null,
    name: "waits and answers keep every character, and megabytes are read back completely",
    async run({ open }) {
      const { log, approvals } = await open()
      const large = "0123456789abcdeé".repeat(100_000)
      const odd: WaitOptions = {
        toolCallId: `call ${oddText}`,
        toolName: oddText,
        input: { [oddText]: [oddText, large] },
        answerSchema: { description: oddText },
        qualifier: `${oddText}${large}`,
        reason: oddText,
        nonce: `nonce ${oddText}`,
      }
      const { sessionId, runId, lease, waits } = await startAskingSession(log, [odd])
      const [wait] = waits
      const expected = { ...wait, sessionId, tenant: "tenant", userId: "user" }
      assert.deepEqual(await approvals.wait(sessionId, wait), { ...expected, state: "open" })
      const listed = await approvals.openWaits({ sessionId, now: 5_000, limit: 10 })
      assert.deepEqual(listed, [{ ...expected, state: "open" }])
      const decidedBy = { via: "http", tenant: oddText, userId: oddText, address: oddText } as const
      const editedInput = { [oddText]: large }
      const command = createApproval(sessionId, wait, {
        editedInput,
        reason: oddText,
        grant: true,
        decidedBy,
      })
      assert.equal((await putAnswer(log, command)).status, "accepted")
      const [pending] = await log.pending(lease)
      assert.deepEqual(pending, { ...command, runId, toolCallId: wait.toolCallId, id: pending?.id })
      const toolType = { toolName: oddText, qualifier: readQualifier(wait) }
      const grant = { sessionId, ...toolType, origin: null, grantedBy: decidedBy, at: 5_000 }
      assert.deepEqual(await approvals.grants(sessionId), [grant])
      const [, decision] = await approvals.audit({ sessionId, limit: 10 })
      assert.deepEqual(decision?.editedInput, editedInput)
      assert.deepEqual([decision?.reason, decision?.decidedBy], [oddText, decidedBy])
      assert.equal(await approvals.revokeGrant({ sessionId, ...toolType, revokedBy: decider, at: 1 }), true)
    },
  },
  {
    rule: null,
    name: "arrivals name the session of every accepted answer",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, waits } = await startAskingSession(log)
      const stop = new AbortController()
      const arrivals = log.arrivals({ signal: stop.signal })[Symbol.asyncIterator]()
      const next = readNext(arrivals, "an arrival")
      assert.equal((await putAnswer(log, createApproval(sessionId, waits[0]))).status, "accepted")
      for (let found = await next; found.value !== sessionId; ) found = await readNext(arrivals, "an arrival")
      stop.abort()
    },
  },
  {
    rule: 12,
    name: "an answer before a cancel counts, and the cancel is still accepted",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease, waits } = await startAskingSession(log)
      assert.equal((await putAnswer(log, createApproval(sessionId, waits[0]))).status, "accepted")
      requireAcceptedPut(await log.put(cancel(sessionId)))
      assert.deepEqual(await putAnswer(log, createApproval(sessionId, waits[0])), { status: "answered" })
      assert.deepEqual(
        (await log.pending(lease)).map(({ type }) => type),
        ["answer", "cancel"],
      )
    },
  },
  {
    rule: 12,
    name: "an answer after a cancel is too late, with any kind and nonce, and changes nothing",
    async run({ open }) {
      const { log, approvals } = await open()
      const session = await startAskingSession(log, [{}, { kind: "clientTool" }, { kind: "elicitation" }])
      const { sessionId, lease, waits } = session
      const [asked, opened, question] = waits
      assert.ok(opened && question)
      requireAcceptedPut(await log.put(cancel(sessionId)))
      const late = [
        createApproval(sessionId, asked, { grant: true }),
        createApproval(sessionId, { ...asked, nonce: "wrong" }),
        createToolResult(sessionId, opened),
        createElicitation(sessionId, question),
      ]
      for (const command of late) assert.deepEqual(await putAnswer(log, command), { status: "expired" })
      assert.deepEqual(
        (await log.pending(lease)).map(({ type }) => type),
        ["cancel"],
      )
      assert.deepEqual(await approvals.grants(sessionId), [])
      assert.deepEqual(await approvals.audit({ sessionId, limit: 10 }), [])
      // The run withdraws them, so that the log and the audit trail agree.
      const commandsConsumed = (await log.pending(lease)).map(({ id }) => id)
      await commitOk(log, { ...createEnding(session, 2), commandsConsumed })
      const actions = (await approvals.audit({ sessionId, limit: 10 })).map(({ action }) => action)
      assert.deepEqual(actions, ["withdrawn", "withdrawn", "withdrawn"])
    },
  },
  {
    rule: 12,
    name: "a revoked session accepts no answer, nor a cancel from another session",
    async run({ open }) {
      const { log } = await open()
      const [revoked, other] = [await startAskingSession(log), await startAskingSession(log)]
      assert.equal(await log.revokeSession(revoked.sessionId, 7_000), true)
      const late = createApproval(revoked.sessionId, revoked.waits[0])
      assert.deepEqual(await putAnswer(log, late), { status: "expired" })
      const { status } = await putAnswer(log, createApproval(other.sessionId, other.waits[0]))
      assert.equal(status, "accepted")
    },
  },
  {
    rule: 12,
    name: "when answer and cancel race, the answer is before the cancel or too late",
    async run({ open }) {
      const { log, approvals } = await open()
      for (let round = 0; round < 10; round++) {
        const { sessionId, lease, waits } = await startAskingSession(log)
        const answering = () => putAnswer(log, createApproval(sessionId, waits[0]))
        const cancelling = () => log.put(cancel(sessionId))
        const [answered, cancelled] =
          round % 2 === 0
            ? await Promise.all([answering(), cancelling()])
            : (await Promise.all([cancelling(), answering()])).toReversed()
        assert.equal(cancelled?.status, "accepted")
        const inTime = answered?.status === "accepted"
        if (!inTime) assert.equal(answered?.status, "expired")
        assert.deepEqual(
          (await log.pending(lease)).map(({ type }) => type),
          inTime ? ["answer", "cancel"] : ["cancel"],
        )
        assert.equal((await approvals.audit({ sessionId, limit: 10 })).length, inTime ? 1 : 0)
      }
    },
  },
]

function callsOf(waits: readonly { readonly toolCallId: string }[]): string[] {
  return waits.map(({ toolCallId }) => toolCallId)
}
