import { afterAll, beforeAll, expect, test } from "vitest"
import { StoreUnavailableError } from "../../../../core/errors.ts"
import type { Lease, SessionLog } from "../../../../core/ports/store/session-log.ts"
import {
  commitOk,
  createAgentName,
  createEvent,
  createMessage,
  openSession,
  startSession,
  stepStarted,
  toSeq,
  waitFor,
} from "../../../../testing/session-log/fixtures.ts"
import { startTestServer, type TestServer } from "../fixtures/test-server.ts"
import { computeHeartbeatTimes } from "./heartbeat.ts"

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const stepIn = ({ lease, runId }: { readonly lease: Lease; readonly runId: string }, n = 1) => ({
  lease,
  entries: [createEvent(toSeq(lease, n), runId, stepStarted)],
})

/** Claims the session as soon as the store allows that. */
function taken(log: SessionLog, sessionId: string, agent: string): Promise<Lease> {
  return waitFor("the takeover", () => log.claim(sessionId, [agent]))
}

test("a hung process is fenced from sessions that were taken over, and keeps the others", async () => {
  const [hung, other] = [await server.openOverCable(), await server.openOverCable()]
  const log = hung.store.log
  const [lost, kept] = [await startSession(log), await startSession(log)]
  hung.cable.cut()
  await waitFor("the takeover", async () => {
    // Expires the heartbeat again, because a last heartbeat may have been on its way.
    await hung.lapse()
    return other.store.log.claim(lost.sessionId, [lost.agent])
  })
  hung.cable.mend()
  await waitFor("a heartbeat", async () => (await hung.isLive()) || null)
  const commit = ({ lease, runId }: typeof lost) =>
    log.commit([{ lease, entries: [createEvent(toSeq(lease, 1), runId, stepStarted)] }])
  expect(await commit(lost)).toEqual(["fenced"])
  expect(await commit(kept)).toEqual(["ok"])
  expect(await other.store.log.claim(kept.sessionId, [kept.agent])).toBeNull()
  await Promise.all([hung.store.close(), other.store.close()])
})

test("a process with a lapsed heartbeat does not take over from itself", async () => {
  const [lapsed, other] = [await server.openOverCable(), await server.openOverCable()]
  const { log } = lapsed.store
  const agent = createAgentName()
  const { sessionId } = await startSession(log, { agent })
  const free = await openSession(log, { agent })
  await lapsed.lapse()
  expect(await log.claim(sessionId, [agent])).toBeNull()
  expect(await log.claimRunnable([agent], 1)).toEqual([])
  // The paused process must not claim any other session either, because others could take it at once.
  expect(await log.claim(free, [agent])).toBeNull()
  expect((await log.putAndClaim(createMessage(free), [agent])).lease).toBeNull()
  expect(await other.store.log.claimRunnable([agent], 2)).toHaveLength(2)
  await Promise.all([lapsed.store.close(), other.store.close()])
})

test("a takeover from a dead process counts as a crash, and from a lapsed one it does not", async () => {
  const [killed, paused, judge] = [
    await server.openOverCable(),
    await server.openOverCable(),
    await server.openOverCable(),
  ]
  const [dead, lapsed] = [await startSession(killed.store.log), await startSession(paused.store.log)]
  const both = createAgentName()
  const swept = [
    await startSession(killed.store.log, { agent: both }),
    await startSession(paused.store.log, { agent: both }),
  ]
  killed.cable.cut()
  await killed.disconnected()
  // Its connections stay open, like those of a stopped process or of a process behind a broken network.
  paused.cable.silence()
  await Promise.all([killed.lapse(), paused.lapse()])
  const { log } = judge.store
  expect((await taken(log, dead.sessionId, dead.agent)).takeovers).toBe(1)
  expect((await taken(log, lapsed.sessionId, lapsed.agent)).takeovers).toBe(0)
  const leases = await log.claimRunnable([both], 10)
  const takeovers = swept.map(
    ({ sessionId }) => leases.find((lease) => lease.sessionId === sessionId)?.takeovers,
  )
  expect(takeovers).toEqual([1, 0])
  paused.cable.cut()
  for (const { cable } of [killed, paused]) cable.mend()
  await Promise.all([killed, paused, judge].map(({ store }) => store.close()))
})

test("a counted crash of a process that was only disconnected is withdrawn when its heartbeat returns", async () => {
  const [cutOff, judge] = [await server.openOverCable({ ttlMs: 8_000 }), await server.openOverCable()]
  const { sessionId, agent } = await startSession(cutOff.store.log)
  cutOff.cable.cut()
  await cutOff.disconnected()
  expect((await taken(judge.store.log, sessionId, agent)).takeovers).toBe(1)
  cutOff.cable.mend()
  await waitFor("the count", async () => {
    const [session] = await server.ask(
      `SELECT takeovers FROM agent_gateway.session WHERE id = '${sessionId}'`,
    )
    return session?.takeovers === 0 ? true : null
  })
  await Promise.all([cutOff.store.close(), judge.store.close()])
})

test("after an outage, no process takes a live one's sessions before that one can send a heartbeat", async () => {
  const ttlMs = 2_000
  const [owner, judge] = [await server.openOverCable(), await server.openOverCable({ ttlMs })]
  const { sessionId, agent } = await startSession(owner.store.log)
  const { log } = judge.store
  // After an outage of the database, every heartbeat is too old.
  await server.ask(`UPDATE agent_gateway.process SET
    expires_at = clock_timestamp(), beat_at = clock_timestamp() - interval '30 seconds'`)
  await waitFor("the judge's heartbeat", async () => ((await judge.isLive()) ? true : null))
  const begun = performance.now()
  expect(await log.claim(sessionId, [agent])).toBeNull()
  expect(await log.claimRunnable([agent], 10)).toEqual([])
  // The owner never returns, so another process finally takes the session.
  await taken(log, sessionId, agent)
  expect(performance.now() - begun).toBeGreaterThan(ttlMs / 2)
  await Promise.all([owner.store.close(), judge.store.close()])
})

test("a process that has just started takes no session of one whose heartbeat is overdue", async () => {
  const owner = await server.openOverCable()
  const { sessionId, agent } = await startSession(owner.store.log)
  await owner.lapse()
  const { store } = await server.openOverCable({ mayJudge: false })
  expect(await store.log.claim(sessionId, [agent])).toBeNull()
  expect(await store.log.claimRunnable([agent], 10)).toEqual([])
  await Promise.all([owner.store.close(), store.close()])
})

test("a heartbeat on a silent connection continues on another one, before it lapses", async () => {
  // A third of it remains when the other connection takes over, which is more than a machine stalls.
  const { store, cable, id, isLive } = await server.openOverCable({ ttlMs: 24_000 })
  const lapses: boolean[] = []
  store.log.liveness.onChange((live) => lapses.push(live))
  cable.silence()
  const [silenced] = await server.ask("SELECT clock_timestamp()::text AS at")
  const beats = `SELECT FROM agent_gateway.process WHERE id = '${id}' AND beat_at > '${silenced?.at}'`
  const live: boolean[] = []
  await waitFor("a heartbeat over the other connection", async () => {
    live.push(await isLive())
    return (await server.ask(beats)).length === 1 ? true : null
  })
  expect(new Set(live)).toEqual(new Set([true]))
  expect(lapses).toEqual([])
  await store.close()
})

test("a process whose heartbeats do not arrive logs that, and logs their return", async () => {
  const { store, cable } = await server.openOverCable({ ttlMs: 8_000 })
  const { liveness } = store.log
  const changes: boolean[] = []
  liveness.onChange((live) => changes.push(live))
  cable.cut()
  await waitFor("the lapse", async () => (changes.length > 0 ? true : null))
  expect(liveness.isLive()).toBe(false)
  cable.mend()
  await waitFor("the next heartbeat", async () => (changes.length > 1 ? true : null))
  expect(changes).toEqual([false, true])
  expect(liveness.isLive()).toBe(true)
  await store.close()
})

test("a process stops before others may take over, and does not judge others by an unnoticed outage", () => {
  const { ttlMs, heartbeatMs, timeoutMs, validMs, gapMs } = computeHeartbeatTimes(3_000)
  expect(validMs).toBeLessThan(ttlMs)
  expect(timeoutMs).toBeLessThanOrEqual(ttlMs / 3)
  // The shortest outage that makes a live process overdue.
  expect(gapMs).toBeLessThan(ttlMs - heartbeatMs)
})

test("a session with a locked row delays no other session's commit", async () => {
  const { store } = await server.openOverCable()
  const { log } = store
  const [locked, other] = [await startSession(log), await startSession(log)]
  const lock = `SELECT FROM agent_gateway.session WHERE id = '${locked.sessionId}' FOR UPDATE`
  const unlock = await server.begin(lock)
  expect(await log.commit([stepIn(locked), stepIn(other)])).toEqual(["busy", "ok"])
  expect(await log.read(locked.sessionId, { afterSeq: 0, limit: 10 })).toEqual([])
  await unlock()
  await commitOk(log, stepIn(locked))
  await store.close()
})

test("a lost lease is reported even while the row is locked", async () => {
  const [former, next] = [await server.openOverCable(), await server.openOverCable()]
  const session = await startSession(former.store.log)
  await former.store.log.release(session.lease, { force: true })
  await taken(next.store.log, session.sessionId, session.agent)
  const unlock = await server.begin(
    `SELECT FROM agent_gateway.session WHERE id = '${session.sessionId}' FOR UPDATE`,
  )
  expect(await former.store.log.commit([stepIn(session)])).toEqual(["fenced"])
  await unlock()
  await Promise.all([former.store.close(), next.store.close()])
})

test("calls that wait for a locked row leave connections for the commits of others, and time out", async () => {
  const { store } = await server.openOverCable({ lockMs: 6_000 })
  const { log } = store
  const [locked, other] = [await startSession(log), await startSession(log)]
  const unlock = await server.begin(
    `SELECT FROM agent_gateway.session WHERE id = '${locked.sessionId}' FOR UPDATE`,
  )
  let settled = 0
  const waiting = Array.from({ length: 8 }, () =>
    log.put(createMessage(locked.sessionId)).finally(() => {
      settled += 1
    }),
  )
  const all = Promise.allSettled(waiting)
  expect(await log.commit([stepIn(other)])).toEqual(["ok"])
  expect(settled).toBe(0)
  for (const outcome of await all) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailableError) })
  }
  await unlock()
  await store.close()
})
