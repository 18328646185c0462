import { expect, it } from "vitest"
import { StoreUnavailableError } from "../../core/errors.ts"
import type { Command, SessionLog } from "../../core/ports/store/session-log.ts"
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

it("keeps an answer that a reading found which was begun later and ended earlier", async () => {
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

it("is read again and again while the store is unavailable, until somebody stops that", async () => {
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
