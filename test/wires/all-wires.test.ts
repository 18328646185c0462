import { afterAll, expect, test } from "vitest"
import { createAgent, type ModelRequest, postgresStore, tool } from "../../src/index.ts"
import { type ScriptedStep, scriptedProvider } from "../../src/testing/index.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { key, type Place, protocols } from "./support/wires.ts"

const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})
const postgres = await startPostgres((end) => ends.push(end))
const store = postgresStore(await postgres.createDatabase("wires"))
const logger = { debug() {}, info() {}, warn() {}, error() {} }

const pay = tool({
  ...{ name: "pay", description: "Pays.", inputSchema: { type: "object" }, needsApproval: true },
  execute: () => ({ paid: true }),
})

/** Settles when every viewer has seen the first word of a count. */
const counting = Promise.withResolvers<void>()

function respond({ messages }: ModelRequest): readonly ScriptedStep[] {
  const last = messages.at(-1)
  if (last?.role === "tool") return [{ type: "text", text: "It is paid." }]
  if (JSON.stringify(last).includes("Count"))
    return [
      { type: "text", text: "One " },
      { type: "wait", until: counting.promise },
      { type: "text", text: "two." },
    ]
  return [
    { type: "thinking", text: "Hm." },
    ...["Let me ", "pay. "].map((text) => ({ type: "text", text }) as const),
    { type: "toolCall", name: "pay", input: { sum: 5 } },
  ]
}

/** A node of the application. Both have one store. */
async function startNode() {
  const provider = scriptedProvider(respond)
  const gateway = createAgent("You help.", {
    ...{ name: "agent", provider, tools: [pay], store, logger, validApiKeys: [key], rateLimits: false },
  })
  ends.push(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  return { gateway, url }
}
const nodes = await Promise.all([startNode(), startNode()])
const [here, there] = nodes

const names = Object.keys(protocols) as (keyof typeof protocols)[]
const asked = { text: "Let me pay. ", calls: [], asks: [["pay", { sum: 5 }]] }
const done = { text: "Let me pay. It is paid.", calls: [["pay", { sum: 5 }, { paid: true }]], asks: [] }

/** Every protocol shows the same of the run, at both nodes. */
async function seeEverywhere(place: Place, expected: object): Promise<void> {
  for (const name of names) {
    for (const { url } of nodes) {
      const seen = await protocols[name].see({ ...place, url })
      expect([name, seen]).toEqual([name, expected])
    }
  }
}

test.each(names.map((name, index) => [name, names.at(index - 1) ?? name] as const))(
  "a run that starts over %s is the same over every protocol at two nodes, and is answered over %s at the other node",
  async (starts, answers) => {
    const conversation = `chat-${starts}`
    await protocols[starts].start(here.url, conversation, "Pay 5")
    const run = await eventually("the question", async () => {
      const waits = await here.gateway.waits.list()
      return waits.at(-1) ?? null
    })
    const { sessionId, runId } = run
    const place = { url: there.url, conversation, sessionId, runId }
    await seeEverywhere(place, asked)
    await protocols[answers].allow(place)
    await eventually("the end", async () => {
      const { state } = (await there.gateway.sessions.run(runId)) ?? {}
      return state === "completed" ? true : null
    })
    await seeEverywhere(place, done)
  },
)

test("a run is streamed over every protocol at two nodes at once", async () => {
  const started = protocols.agUi.start(here.url, "chat-count", "Count")
  const run = await eventually("the run", async () => {
    const [newest] = (await here.gateway.sessions.runs({ states: ["running"] })).items
    return newest ?? null
  })
  const place = { conversation: "chat-count", sessionId: run.sessionId, runId: run.id }
  const watched = nodes.flatMap(({ url }) => names.map((name) => protocols[name].watch({ ...place, url })))
  await eventually("the first word", () => (watched.every(({ text }) => text() === "One ") ? true : null))
  counting.resolve()
  await Promise.all([started, ...watched.map(({ ended }) => ended)])
  expect(watched.map(({ text }) => text())).toEqual(watched.map(() => "One two."))
})
