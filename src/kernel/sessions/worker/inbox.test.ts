import { expect, it } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { Command, SessionLog } from "../../../core/ports/store/session-log.ts"
import { Inbox } from "./inbox.ts"

const lease = { sessionId: "sess_1", epoch: 1, takeovers: 0, principal: { tenant: "tenant", userId: "user" } }
const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
const sent = { sessionId: "sess_1", runId: "run_1", nonce: "nonce", at: 0, decidedBy }
const answer: Command = {
  type: "answer",
  waitId: "wait_1",
  toolCallId: "call_1",
  kind: "elicitation",
  answer: { action: "cancel", content: null },
  id: 1,
  ...sent,
}

it("keeps an answer from a read that started later and ended earlier", async () => {
  const readings: PromiseWithResolvers<readonly Command[]>[] = []
  const pending: SessionLog["pending"] = () => {
    const reading = Promise.withResolvers<readonly Command[]>()
    readings.push(reading)
    return reading.promise
  }
  const inbox = new Inbox({ pending } as SessionLog, lease)
  const [earlier, later] = [inbox.read(), inbox.read()]
  readings[1]?.resolve([answer])
  await later
  readings[0]?.resolve([])
  await earlier
  expect(inbox.take("call_1")).toEqual(answer)
})

it("retries its read while the store is unavailable, until its signal aborts", async () => {
  let down = true
  let readings = 0
  const pending: SessionLog["pending"] = async () => {
    readings += 1
    if (down) throw new StoreUnavailableError()
    return [answer]
  }
  const inbox = new Inbox({ pending } as SessionLog, lease)
  const stop = new AbortController()
  const stopped = inbox.refresh(stop.signal)
  const refreshed = inbox.refresh(new AbortController().signal)
  await expect.poll(() => readings).toBeGreaterThan(2)
  stop.abort(new Error("stopped"))
  await expect(stopped).rejects.toThrow("stopped")
  down = false
  await refreshed
  expect(inbox.has("call_1")).toBe(true)
})

it("reads no command again whose contents it has, as long as the command is pending", async () => {
  const steer: Command = { type: "steer", sessionId: "sess_1", runId: "run_1", at: 0, content: [], id: 2 }
  const replies = [[answer], [answer, steer], [steer], []]
  const known: unknown[] = []
  const pending: SessionLog["pending"] = async (_lease, options) => {
    known.push([...(options?.known?.keys() ?? [])])
    return replies.shift() ?? []
  }
  const inbox = new Inbox({ pending } as SessionLog, lease)
  for (let count = 0; count < 4; count++) await inbox.read()
  expect(known).toEqual([[], [1], [1, 2], [2]])
  expect(inbox.waiting()).toEqual([])
})
