import { afterEach, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Message } from "../../core/history/messages.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { type ScriptedProvider, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  forever,
  patience,
  putAccepted,
  readWholeHistory,
  say,
  silentLogger,
  startTestNode,
  type TestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const pay = createAnyTool("pay", () => ({ type: "json", value: "paid" }), { needsApproval: true })
const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }

/** Creates a model that numbers its responses, pays if the message is "Pay", and never responds to "Wait". */
function createModel(): ScriptedProvider {
  let responses = 0
  return scriptedProvider(({ messages }) => {
    const text = textsOf(messages).at(-1)
    if (text === "user: Pay") return [call("pay")]
    if (text === "user: Wait") return [say("Wait"), forever]
    responses += 1
    return [say(`Response ${responses}`), { type: "end", usage }]
  })
}

function textsOf(messages: readonly Message[]): readonly string[] {
  return messages.flatMap((message) =>
    message.role === "tool"
      ? []
      : message.content.flatMap((part) => (part.type === "text" ? `${message.role}: ${part.text}` : [])),
  )
}

async function openStore(): Promise<Store> {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  ends.push(() => store.close())
  return store
}

async function startNode(provider: ScriptedProvider, store: Store): Promise<TestNode> {
  const node = await startTestNode(provider, { store, tools: [pay], pricing: { cost: () => 1 } })
  ends.push(() => node.stop())
  return node
}

/** Creates a session with runs for these messages. Returns the ids of the runs. */
async function createConversation(node: TestNode, ...texts: readonly string[]) {
  const { id } = await node.sessions.create(alice)
  const runIds: string[] = []
  for (const text of texts) runIds.push(await finish(node, id, text))
  return { id, runIds }
}

async function finish(node: TestNode, id: string, text: string, supersede?: string): Promise<string> {
  const run = await putAccepted(
    node,
    id,
    text,
    supersede === undefined ? {} : { supersede: { runId: supersede } },
  )
  await watchRun(node.sessions, id, run)
  return run.runId
}

async function retry(node: TestNode, id: string, runId: string): Promise<string> {
  const run = await putAccepted(node, id, "", { input: null, supersede: { runId } })
  await watchRun(node.sessions, id, run)
  return run.runId
}

async function readEvents(store: Store, id: string): Promise<readonly EventEntry[]> {
  const entries = await store.log.read(id, { afterSeq: 0, limit: 1_000, deltas: false })
  return entries.filter((entry) => entry.kind === "event")
}

it("an edited message takes the place of the run and of what follows it", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id, runIds } = await createConversation(node, "One", "Two", "Three")
  await finish(node, id, "Another two", runIds[1])
  const before = ["user: One", "assistant: Response 1", "user: Another two"]
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(before)
  await finish(node, id, "Four")
  const expected = [...before, "assistant: Response 4", "user: Four"]
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(expected)
  const { messages, spent } = await readWholeHistory(node.sessions, id)
  expect(textsOf(messages)).toHaveLength(10)
  expect(spent.cost).toBe(5)
})

it("another process continues the same conversation", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const first = await startNode(provider, store)
  const { id, runIds } = await createConversation(first, "One", "Two", "Three")
  await finish(first, id, "Another two", runIds[1])
  await first.stop()
  const second = await startNode(provider, store)
  await finish(second, id, "Four")
  const expected = [
    "user: One",
    "assistant: Response 1",
    "user: Another two",
    "assistant: Response 4",
    "user: Four",
  ]
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(expected)
})

it("a retry repeats the message, and repeated retries have one place", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id, runIds } = await createConversation(node, "One", "Two")
  let runId = runIds[1] ?? ""
  for (let count = 0; count < 3; count++) {
    runId = await retry(node, id, runId)
    const expected = ["user: One", "assistant: Response 1", "user: Two"]
    expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(expected)
  }
  const starts = (await readEvents(store, id)).flatMap(({ event }) =>
    event.type === "runStarted" ? [event.superseded?.length ?? 0] : [],
  )
  expect(starts).toEqual([0, 0, 1, 1, 1])
})

it("a run of an earlier branch brings its branch back", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id, runIds } = await createConversation(node, "One", "Two")
  await finish(node, id, "Another one", runIds[0])
  await finish(node, id, "Another two", runIds[1])
  const expected = ["user: One", "assistant: Response 1", "user: Another two"]
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(expected)
})

it("a parked run is canceled, its wait accepts no answer, and its call never runs", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id } = await node.sessions.create(alice)
  const { runId } = await putAccepted(node, id, "Pay")
  await vi.waitFor(async () => {
    expect(await node.sessions.openWaits({ sessionId: id })).toHaveLength(1)
  }, patience)
  const [wait] = await node.sessions.openWaits({ sessionId: id })
  await finish(node, id, "Do not pay", runId)
  expect(await node.sessions.openWaits({ sessionId: id })).toEqual([])
  const { toolCallId = "", nonce = "" } = wait ?? {}
  const decidedBy = { via: "code", tenant: null, userId: null, address: null } as const
  const given = { kind: "approval", sessionId: id, toolCallId, nonce, approved: true, decidedBy } as const
  expect(await node.sessions.answer(given)).toMatchObject({ status: "expired" })
  const events = await readEvents(store, id)
  expect(events.some(({ event }) => event.type === "toolCallStarted")).toBe(false)
  expect(await store.log.run(id, runId)).toMatchObject({ state: "interrupted" })
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(["user: Do not pay"])
})

it("an open run is canceled and queued messages are withdrawn", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id, runIds } = await createConversation(node, "One")
  const open = await putAccepted(node, id, "Wait")
  await vi.waitFor(
    async () => expect((await store.log.session(id))?.activeRun?.id).toBe(open.runId),
    patience,
  )
  const queued = await putAccepted(node, id, "Later", { whenBusy: "queue" })
  await finish(node, id, "Another one", runIds[0])
  expect(await store.log.run(id, open.runId)).toMatchObject({ state: "interrupted" })
  const events = await readEvents(store, id)
  const withdrawn = events.flatMap(({ event }) =>
    event.type === "runWithdrawn" ? [event.withdrawnRunId] : [],
  )
  expect(withdrawn).toEqual([queued.runId])
  expect(textsOf(provider.requests.at(-1)?.messages ?? [])).toEqual(["user: Another one"])
})

it("refuses runs of other sessions, runs that have not started, and the client's own history", async () => {
  const [store, provider] = [await openStore(), createModel()]
  const node = await startNode(provider, store)
  const { id, runIds } = await createConversation(node, "One")
  const other = await createConversation(node, "Other")
  const start = (sessionId: string, runId: string) =>
    node.sessions.start(createStartRequest(sessionId, "Two", { supersede: { runId } }))
  await expect(start(other.id, runIds[0] ?? "")).rejects.toMatchObject({ code: "run_not_found", status: 404 })
  const open = await putAccepted(node, id, "Wait")
  await vi.waitFor(
    async () => expect((await store.log.session(id))?.activeRun?.id).toBe(open.runId),
    patience,
  )
  const queued = await putAccepted(node, id, "Later", { whenBusy: "queue" })
  await expect(start(id, queued.runId)).rejects.toMatchObject({ code: "run_not_started", status: 409 })
  const input = { type: "conversation", messages: [] } as const
  const replaced = createStartRequest(id, "", { input, supersede: { runId: runIds[0] ?? "" } })
  await expect(node.sessions.start(replaced)).rejects.toMatchObject({ code: "invalid_body", status: 422 })
  const empty = createStartRequest(id, "", { input: null })
  await expect(node.sessions.start(empty)).rejects.toMatchObject({ code: "invalid_body", status: 422 })
  await node.sessions.cancel(id, open.runId)
})
