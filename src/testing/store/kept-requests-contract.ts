import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { KeptRequests } from "../../core/ports/store/kept-requests.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  type PartCase,
  requireAcceptedPut,
  runFailed,
  toSeq,
} from "../session-log/fixtures.ts"

/** Bytes that are no text. */
const bytesOf = (...values: readonly number[]) => Uint8Array.from([0, 255, ...values])
const request = { id: "step_1.1", at: 5, series: null, facts: bytesOf(1), parts: bytesOf(2, 3) }
const requestBytes = 7

async function putOk(
  keptRequests: KeptRequests,
  sessionId: string,
  given: Partial<Parameters<KeptRequests["put"]>[1]> = {},
): Promise<number> {
  const number = await keptRequests.put(sessionId, { ...request, ...given })
  assert.ok(number !== null, "The request was not stored.")
  return number
}

async function readParts(
  keptRequests: KeptRequests,
  ...[sessionId, asked]: Parameters<KeptRequests["parts"]>
): Promise<readonly (readonly number[])[]> {
  return (await keptRequests.parts(sessionId, asked)).map((part) => [...part.subarray(2)])
}

export const keptRequestCases: readonly PartCase[] = [
  {
    rule: null,
    name: "kept requests are read back unchanged, each with the parts of its series up to it",
    async run({ open }) {
      const { log, keptRequests } = await open()
      const sessionId = await openSession(log)
      const first = await putOk(keptRequests, sessionId)
      const other = await putOk(keptRequests, sessionId, { id: "other", parts: bytesOf(9) })
      const second = await putOk(keptRequests, sessionId, { id: "step_2.1", series: first })
      await putOk(keptRequests, sessionId, { id: "step_3.1", series: first, parts: bytesOf(4) })
      assert.deepEqual(await readParts(keptRequests, sessionId, { number: first, series: null }), [[2, 3]])
      const shared = { number: second, series: first }
      assert.deepEqual(await readParts(keptRequests, sessionId, shared), [
        [2, 3],
        [2, 3],
      ])
      assert.deepEqual(await readParts(keptRequests, sessionId, { number: other, series: null }), [[9]])
      const [newest, ...rest] = await keptRequests.list(sessionId, { limit: 2 })
      assert.equal(newest?.id, "step_3.1")
      assert.deepEqual(
        rest.map(({ facts, ...others }) => ({ ...others, facts: Uint8Array.from(facts) })),
        [{ id: "step_2.1", at: 5, number: second, series: first, facts: bytesOf(1) }],
      )
      const [found] = await keptRequests.list(sessionId, { id: "step_1.1", limit: 5 })
      assert.equal(found?.number, first)
      assert.deepEqual(await keptRequests.list(sessionId, { id: "step", limit: 5 }), [])
      assert.equal(await keptRequests.bytes(sessionId), 4 * requestBytes - 2)
    },
  },
  {
    rule: null,
    name: "a kept request is refused without its session or the first request of its series",
    async run({ open }) {
      const { log, keptRequests } = await open()
      const [sessionId, unknown] = [await openSession(log), randomIds.next("sess")]
      assert.equal(await keptRequests.put(unknown, request), null)
      assert.equal(await keptRequests.put(sessionId, { ...request, series: 2 ** 40 }), null)
      assert.equal(await keptRequests.bytes(sessionId), 0)
      assert.deepEqual(await keptRequests.parts(sessionId, { number: 2 ** 40 + 1, series: 2 ** 40 }), [])
    },
  },
  {
    rule: null,
    name: "the series of the oldest kept request is removed if it is old enough",
    async run({ open }) {
      const { log, keptRequests } = await open()
      // The harnesses share their data, so what other cases stored is removed first.
      while ((await keptRequests.removeOldest(Number.MAX_SAFE_INTEGER)) > 0);
      const sessionId = await openSession(log)
      const first = await putOk(keptRequests, sessionId)
      const other = await putOk(keptRequests, sessionId, { at: 7 })
      for (let count = 0; count < 120; count += 1) await putOk(keptRequests, sessionId, { series: first })
      assert.equal(await keptRequests.bytes(null), 122 * requestBytes)
      assert.equal(await keptRequests.removeOldest(5), 0)
      assert.equal(await keptRequests.removeOldest(6), 121 * requestBytes)
      assert.equal(await keptRequests.removeOldest(6), 0)
      const left = await keptRequests.list(sessionId, { limit: 5 })
      assert.deepEqual(
        left.map(({ number }) => number),
        [other],
      )
      assert.equal(await keptRequests.put(sessionId, { ...request, series: first }), null)
    },
  },
  {
    rule: null,
    name: "all kept requests of a principal can be removed",
    async run({ open }) {
      const { log, keptRequests } = await open()
      const principal = { tenant: "named_ünder", userId: randomIds.next("run") }
      const [own, others] = [randomIds.next("sess"), await openSession(log)]
      await log.createSession({ id: own, ...principal, agent: "agent", createdAt: 1 })
      for (let count = 0; count < 60; count += 1) await putOk(keptRequests, own)
      await putOk(keptRequests, others)
      await keptRequests.removeOf(principal)
      assert.equal(await keptRequests.bytes(own), 0)
      assert.equal(await keptRequests.bytes(others), requestBytes)
    },
  },
  {
    rule: null,
    name: "kept requests are removed with their session",
    async run({ open }) {
      const { log, keptRequests } = await open()
      const sessionId = await openSession(log)
      await putOk(keptRequests, sessionId)
      const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
      const lease = await claimSession(log, sessionId)
      const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
      await commitOk(log, { lease, entries, runEnded: { runId, state: "failed" } })
      await log.release(lease, { force: true })
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER })
      assert.equal(await keptRequests.bytes(sessionId), 0)
      assert.deepEqual(await keptRequests.list(sessionId, { limit: 5 }), [])
    },
  },
]
