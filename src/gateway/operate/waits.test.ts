import { expect, it, vi } from "vitest"
import type { Decisions } from "../../kernel/sessions/answering/decisions.ts"
import { type ApproveOptions, createWaits } from "./waits.ts"

const wait = { sessionId: "sess_1", toolCallId: "call_1", nonce: "nonce_1" }

it("approves with edited arguments, and refuses them under another name", async () => {
  const answer = vi.fn(async () => ({ status: "accepted", runId: "run_1" }) as const)
  const approvals = createWaits(() => Promise.resolve({ answer } as unknown as Decisions))
  const misspelt = { tool_input: { amount: 3 } } as ApproveOptions
  await expect(approvals.approve(wait, misspelt)).rejects.toThrow("approve: unknown option tool_input")
  expect(answer).not.toHaveBeenCalled()
  await approvals.approve(wait, { editedInput: { amount: 3 }, userId: "ops" })
  const decidedBy = { via: "code", tenant: null, userId: "ops", address: null }
  const decision = { approved: true, editedInput: { amount: 3 }, decidedBy }
  expect(answer).toHaveBeenCalledExactlyOnceWith({ ...wait, kind: "approval", ...decision })
})

it.each([
  ["deny", { kind: "approval", approved: false, reason: "No." }],
  ["answer", { kind: "elicitation", action: "accept", content: { amount: 3 } }],
] as const)("%s takes only the known members of what a client sent", async (name, expected) => {
  const answer = vi.fn(async () => ({ status: "accepted", runId: "run_1" }) as const)
  const waits = createWaits(() => Promise.resolve({ answer } as unknown as Decisions))
  const { kind, ...sent } = expected
  const forged = { ...sent, sessionId: "sess_2", toolCallId: "call_2", decidedBy: { credential: "operator" } }
  await (name === "deny" ? waits.deny(wait, forged as object) : waits.answer(wait, forged as never))
  const decidedBy = { via: "code", tenant: null, userId: null, address: null }
  expect(answer).toHaveBeenCalledExactlyOnceWith({ ...wait, ...expected, decidedBy })
})
