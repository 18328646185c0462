import { describe, expect, it } from "vitest"
import { createMessage } from "../../../testing/session-log/fixtures.ts"
import type { CommandRow } from "../rows/command-rows.ts"
import { planCancel, planMessage, type Receiver } from "./put-rules.ts"

const idle: Receiver = {
  open: null,
  isRevoked: false,
  lastSeq: 7,
  storedBytes: 0,
  rows: [],
  now: 1_000,
}
const open = { runId: "run_open", cursor: 3, steerable: true }

function row(id: number, options: Partial<CommandRow> = {}): CommandRow {
  return { id, runId: `run_${id}`, type: "message", rank: 0, notBefore: 0, dueAt: null, ...options }
}

describe("a message", () => {
  it("is due at once in an idle session, but not before its time", () => {
    const now = planMessage(createMessage("sess_1"), idle, undefined)
    expect([now.isDue, now.commands[0]?.dueAt]).toEqual([true, 0])
    const later = planMessage(createMessage("sess_1", { notBefore: 2_000 }), idle, undefined)
    expect([later.isDue, later.commands[0]?.dueAt]).toEqual([false, 2_000])
  })

  it("is not due behind an open run, whatever its time", () => {
    const put = createMessage("sess_1", { whenBusy: "queue" })
    const { isDue, commands, outcome } = planMessage(put, { ...idle, open }, undefined)
    expect([isDue, commands[0]?.dueAt]).toEqual([false, null])
    expect(outcome).toMatchObject({ status: "accepted", position: 1, cursor: 7 })
  })

  it("keeps the client's conversation if nothing precedes it, and otherwise only its last message", () => {
    const content = [{ type: "text", text: "Hi" }] as const
    const input = { type: "conversation", messages: [{ role: "user", content }] } as const
    const put = createMessage("sess_1", { whenBusy: "queue", input })
    expect(planMessage(put, idle, undefined).commands[0]?.command).toMatchObject({ input })
    const { commands } = planMessage(put, { ...idle, rows: [row(1, { dueAt: 0 })] }, undefined)
    expect(commands[0]?.command).toMatchObject({ input: { type: "message", content } })
  })
})

describe("a message that supersedes a run", () => {
  const supersede = { runId: "run_old", reason: "edit" } as const

  it("cancels the open run, withdraws all queued runs, and is taken before messages that interrupt later", () => {
    const put = createMessage("sess_1", { supersede })
    const rows = [row(1, { rank: -3 }), row(2, { notBefore: 9_000 })]
    const { commands, deleted, isDue, outcome } = planMessage(put, { ...idle, open, rows }, undefined)
    expect(outcome).toMatchObject({ status: "accepted" })
    expect([isDue, deleted]).toEqual([true, [1, 2]])
    expect(commands.map(({ command: { type, runId } }) => [type, runId])).toEqual([
      ["withdraw", "run_1"],
      ["withdraw", "run_2"],
      ["cancel", "run_open"],
      ["message", put.runId],
    ])
    const rank = commands.at(-1)?.rank ?? 0
    const later = createMessage("sess_1", { whenBusy: "interrupt" })
    const queued = { ...idle, open, rows: [row(3, { rank })] }
    expect(planMessage(later, queued, undefined).commands.at(-1)?.rank).toBeGreaterThan(rank)
  })

  it("is due at once if no run is open, whatever was due before", () => {
    const put = createMessage("sess_1", { supersede })
    const { commands, deleted } = planMessage(put, { ...idle, rows: [row(1, { dueAt: 0 })] }, undefined)
    expect([deleted, commands.at(-1)?.dueAt]).toEqual([[1], 0])
  })
})

describe("a cancel without a run", () => {
  it("withdraws the next queued run that is due, and none whose time has not come", () => {
    const cancel = { type: "cancel", sessionId: "sess_1", runId: null, at: 0 } as const
    const later = row(1, { notBefore: 5_000, dueAt: 5_000 })
    expect(planCancel(cancel, { ...idle, rows: [later] }).outcome).toEqual({ status: "unknown" })
    const plan = planCancel(cancel, { ...idle, rows: [later, row(2, { dueAt: 0 })] })
    expect([plan.outcome, plan.deleted]).toEqual([{ status: "accepted", runId: "run_2", cursor: 7 }, [2]])
  })
})
