import { setTimeout as delay } from "node:timers/promises"
import pg from "pg"
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest"
import { startTestServer, type TestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import type { ScriptedStep } from "../../testing/provider/scripted-provider.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { alice, joinDeltas, patience, putAccepted, startTestNode } from "./fixtures/test-gateway.ts"

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())
afterEach(() => void vi.restoreAllMocks())

const words = 60
const wordMs = 20

/** Counts the statements of one process's pools, without those that only look for changes. */
function countStatements(port: number) {
  const sent = { all: 0, others: 0 }
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | { readonly text: string }]
    const sql = typeof query === "string" ? query : query.text
    // The standing connections of a process have names of their own.
    const { application_name } = (this as unknown as { connectionParameters: { application_name: string } })
      .connectionParameters
    if (this.port === port && application_name === "ai-agent-gateway") {
      sent.all++
      if (!sql.includes("WHERE id = ANY($1)")) sent.others++
    }
    return original.apply(this, args)
  } as never)
  return sent
}

/** Streams a run of one node to viewers of another one. Resolves to the statements of the viewers' node meanwhile. */
async function measure(viewers: number): Promise<number> {
  const gate = Promise.withResolvers<void>()
  const provider = scriptedProvider(() => [
    { type: "text", text: "first" },
    { type: "wait", until: gate.promise },
    ...Array.from({ length: words }, (_, index): readonly ScriptedStep[] => [
      { type: "wait", until: gate.promise.then(() => delay(index * wordMs)) },
      { type: "text", text: ` ${index}` },
    ]).flat(),
  ])
  const [home, elsewhere] = [await server.openOverCable(), await server.openOverCable()]
  const node = await startTestNode(provider, { store: home.store })
  const away = await startTestNode(provider, { store: elsewhere.store, start: false })
  const sent = countStatements(elsewhere.cable.port)
  const { id } = await node.sessions.create(alice)
  const { afterSeq } = await putAccepted(node, id, "Go")
  const signal = new AbortController().signal
  let started = 0
  const views = Array.from({ length: viewers }, async () => {
    let text = ""
    for await (const batch of away.sessions.viewTree(id, { afterSeq, signal, principal: alice })) {
      if ("subAgent" in batch || "progress" in batch) continue
      text += joinDeltas(batch)
      if (text === "first") started++
    }
    return text
  })
  await vi.waitFor(() => expect(started).toBe(viewers), patience)
  await vi.waitFor(async () => {
    const before = sent.others
    await delay(500)
    expect(sent.others).toBe(before)
  }, patience)
  sent.all = 0
  gate.resolve()
  const expected = `first${Array.from({ length: words }, (_, index) => ` ${index}`).join("")}`
  for (const text of await Promise.all(views)) expect(text).toBe(expected)
  const total = sent.all
  vi.restoreAllMocks()
  for (const each of [node, away]) await each.stop()
  for (const { store } of [home, elsewhere]) await store.close()
  return total
}

it("80 viewers of a run on another node cost at most 1.5 times the statements of one", async () => {
  const one = await measure(1)
  const many = await measure(80)
  console.info(`statements: ${one} with one viewer, ${many} with 80`)
  expect(many).toBeLessThanOrEqual(1.5 * one)
})
