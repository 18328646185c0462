import { beforeAll, expect, test } from "vitest"
import { openPostgresStore } from "../../src/adapters/stores/postgres/open.ts"
import { silentLogger } from "../../src/kernel/sessions/fixtures/test-gateway.ts"
import { patienceMs } from "../patience.ts"
import { assemble, ids } from "./support/assemble.ts"
import { eventually } from "./support/eventually.ts"
import { kill } from "./support/gateway-process.ts"
import { journaled } from "./support/journal.ts"
import { calls, gate, pausing, says, words } from "./support/model.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { type Postgres, startPostgres } from "./support/postgres.ts"
import { problemOf } from "./support/problem.ts"
import { startSession } from "./support/session-client.ts"
import { startTwoGateways } from "./support/two-gateways.ts"

const onEnd = atEndOfFile()
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Starts two gateways that share only a database of this name. */
async function two(database: string, script: Parameters<typeof startTwoGateways>[0], env = {}) {
  return startTwoGateways(script, { STORE: await postgres.createDatabase(database), ...env })
}

/** A node that stalls keeps its runs. */
const longLease = { LEASE_MS: "30000" }

const completed = { type: "stream_complete", terminal_disposition: "completed" }

test("a run of one node is followed live and canceled through the other", async () => {
  const { session, elsewhere } = await two(
    "watching",
    [pausing(words(10), 5, gate().opened), says("Next.")],
    longLease,
  )
  const stream = await session.chat("Go")
  const viewer = await elsewhere.subscribe({ afterSeq: 0 })
  const live = await viewer.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  expect((await elsewhere.post("/chat", { message: "And?" })).status).toBe(409)
  await elsewhere.cancel()
  const frames = await stream.rest()
  expect(assemble(frames)).toMatchObject({ text: words(5).join(""), terminal: { reason: "cancelled" } })
  expect([...live, ...(await viewer.rest())]).toEqual(frames)
  expect(assemble(await (await elsewhere.chat("Next")).rest()).text).toBe("Next.")
  expect(await session.history()).toEqual(await elsewhere.history())
})

test("a cancel through the other node reaches a running tool", async () => {
  const { session, elsewhere, folder } = await two("cancelling", [calls("charge")], longLease)
  const stream = await session.chat("Go")
  await journaled(folder, "charge began")
  await elsewhere.cancel()
  await journaled(folder, "charge aborted")
  expect(assemble(await stream.rest()).terminal).toMatchObject({ reason: "cancelled" })
})

test("of concurrent messages through both nodes, one is accepted", async () => {
  const { session, elsewhere } = await two(
    "contending",
    () => pausing(["a", "b"], 1, gate().opened),
    longLease,
  )
  const posts = [session, elsewhere, session, elsewhere].map((at) => at.post("/chat", { message: "Me!" }))
  const responses = await Promise.all(posts)
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  await Promise.all(responses.map(({ body }) => body?.cancel()))
})

test("when the node of a run is killed, the other one takes the run over once its heartbeat is overdue", async () => {
  const script = [pausing(words(10), 5, gate().opened), says("Taken ", "over.")]
  const { session, roles, model } = await two("failing", script, { LEASE_MS: "8000" })
  const stream = await session.chat("Go")
  const { owner, other } = await roles()
  const survivor = session.at(other.url)
  const viewer = await survivor.subscribe({ afterSeq: 0 })
  const live = await viewer.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  const begun = performance.now()
  await kill(owner)
  await stream.restOrBreak()
  const frames = [...live, ...(await viewer.rest())]
  const seconds = (performance.now() - begun) / 1_000
  console.info(`taken over and finished ${seconds.toFixed(1)} s after the kill`)
  // A node counts as dead 8 s after its last heartbeat. The machine may be busy.
  expect(seconds).toBeLessThan(patienceMs / 1_000)
  expect(ids(frames)).toEqual([...new Set(ids(frames))].sort((left, right) => left - right))
  expect(assemble(frames)).toMatchObject({ text: "Taken over.", terminal: completed })
  expect(await (await survivor.subscribe({ afterSeq: 0 })).rest()).toEqual(frames)
  expect(model.requests).toHaveLength(2)
})

test("a node that is stopped hands over its runs without a takeover", async () => {
  const script = [pausing(words(10), 5, gate().opened), says("Handed over.")]
  const url = await postgres.createDatabase("handing")
  const { session, roles, model } = await startTwoGateways(script, {
    STORE: url,
    GRACE_MS: "0",
    ...longLease,
  })
  const stream = await session.chat("Go")
  await stream.until(({ event }) => event.type === "text_delta" && event.text === "w5 ")
  const { owner, other } = await roles()
  owner.signal("SIGTERM")
  await eventually("the other node's call", () => (model.requests.length === 2 ? true : null))
  const frames = await (await session.at(other.url).subscribe({ afterSeq: 0 })).rest()
  expect(assemble(frames)).toMatchObject({ text: "Handed over.", terminal: completed })
  const { log, close } = await openPostgresStore({ url, logger: silentLogger })
  const entries = await log.read(session.id, { afterSeq: 0, limit: 100 })
  const retry = entries.find((entry) => entry.kind === "event" && entry.event.type === "stepRetried")
  expect(retry).toMatchObject({ event: { stoppedInOrder: true } })
  await close()
})

test("while the database is down nothing is accepted and nothing breaks; when it is back everything continues", async () => {
  const { opened, open } = gate()
  const { session, elsewhere, nodes, model } = await two("outage", [
    pausing(words(30), 10, opened),
    ...Array(9).fill(says("Quick.")),
  ])
  const idle = await startSession(nodes[0].url)
  const stream = await session.chat("Slowly")
  const before = await stream.until(({ event }) => event.type === "text_delta" && event.text === "w10 ")
  await postgres.stop()
  try {
    for (const [path, body] of [
      ["/chat", { message: "Hi" }],
      ["/chat/init", { api_key: "k" }],
    ] as const) {
      const problem = await problemOf(await idle.post(path, body, { "idempotency-key": "once" }))
      expect(problem).toMatchObject({ status: 503, code: "store_unavailable" })
      expect(JSON.stringify(problem)).not.toMatch(/postgres|127\.0\.0\.1|ECONN/i)
    }
    for (let request = 0; request < 10; request++) await (await idle.post("/chat", { message: "Hi" })).text()
    const failed = nodes[0]
      .stderr()
      .split("\n")
      .filter((line) => line.includes("A request failed."))
    expect(failed).toHaveLength(1)
    expect(failed[0]).not.toContain("stack")
    for (const { url } of nodes) {
      expect((await fetch(`${url}/api/health`)).status).toBe(200)
      expect((await fetch(`${url}/api/ready`)).status).toBe(503)
    }
    open()
    expect(await model.requests[0]?.outcome).toBe("answered")
  } finally {
    await postgres.start()
  }
  await eventually("both nodes' readiness", async () => {
    const answers = await Promise.all(nodes.map(({ url }) => fetch(`${url}/api/ready`)))
    return answers.every(({ status }) => status === 200) ? true : null
  })
  // The stream may have ended in the meantime. A client that reconnects receives all of it.
  const seen = [...before, ...(await stream.restOrBreak())]
  const frames = await (await elsewhere.subscribe({ afterSeq: 0 })).rest()
  expect(assemble(frames).terminal).toMatchObject(completed)
  const missing = await elsewhere.request(`/chat/subscribe?after_seq=${ids(seen).at(-1)}`)
  const rest = missing.status === 204 ? [] : frames.filter(({ id }) => (id ?? 0) > (ids(seen).at(-1) ?? 0))
  expect(assemble([...seen, ...rest]).text).toBe(assemble(frames).text)

  expect((await idle.history()).messages).toEqual([])
  const again = await idle.chat("Hi", { "idempotency-key": "once" })
  expect(assemble(await again.rest())).toMatchObject({ text: "Quick.", terminal: completed })
})
