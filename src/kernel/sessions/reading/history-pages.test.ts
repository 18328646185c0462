import { expect, it, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { Message } from "../../../core/history/messages.ts"
import type { ReadOptions } from "../../../core/ports/store/read-options.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { tool } from "../../tools/local-tool.ts"
import {
  alice,
  forever,
  patience,
  prepareTestNodes,
  putAccepted,
  readWholeHistory,
  say,
  silentLogger,
  type TestNode,
  watchRun,
} from "../fixtures/test-gateway.ts"
import type { HistoryEnd, HistoryQuery } from "../sessions.ts"

const start = prepareTestNodes()
const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const signal = new AbortController().signal

async function open() {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const reads: ReadOptions[] = []
  const log: Store["log"] = {
    ...store.log,
    read(sessionId, options) {
      reads.push(options)
      return store.log.read(sessionId, options)
    },
  }
  const provider = scriptedProvider(() => [say("Hello"), { type: "end", usage }])
  const node = await start(provider, { store: { ...store, log }, pricing: { cost: () => 1 } })
  const { id } = await node.sessions.create(alice)
  return { node, id, reads, store }
}

async function talk(node: TestNode, id: string, turns: number) {
  for (let turn = 1; turn <= turns; turn++)
    await watchRun(node.sessions, id, await putAccepted(node, id, `${turn}`))
}

async function pageOf({ sessions }: TestNode, id: string, query: Omit<HistoryQuery, "signal">) {
  const messages: Message[] = []
  let end: HistoryEnd | null = null
  for await (const part of sessions.history(id, { ...query, signal })) {
    if (part.type === "end") end = part
    else messages.push(...part.messages)
  }
  if (end === null) throw new Error("The history has no end.")
  return { ...end, messages }
}

/** Resolves to all pages, newest first. */
async function pagesOf(node: TestNode, id: string, runs: number) {
  const pages = [await pageOf(node, id, { runs })]
  for (;;) {
    const before = pages.at(-1)?.before
    if (before == null) return pages
    pages.push(await pageOf(node, id, { runs, before }))
  }
}

it.each([1, 2, 3, 7, 8])(
  "has the same messages page by page, %i runs each, as in one piece",
  async (runs) => {
    const { node, id } = await open()
    await talk(node, id, 7)
    const whole = await readWholeHistory(node.sessions, id)
    const pages = await pagesOf(node, id, runs)
    expect(pages.toReversed().flatMap(({ messages }) => messages)).toEqual(whole.messages)
    expect(pages).toHaveLength(Math.ceil(7 / runs))
    expect(pages[0]).toMatchObject({ lastSeq: whole.lastSeq, activeRun: null })
    for (const { spent } of pages) expect(spent).toEqual(whole.spent)
  },
)

it.each([1, 2, 3, 5, 11, 12, 100])(
  "has the same messages page by page, %i turns each, also within a run",
  async (turns) => {
    const look = { name: "look", description: "Looks.", inputSchema: { type: "object" } }
    let calls = 0
    const provider = scriptedProvider(({ messages }) => {
      const last = messages.at(-1)
      calls = last?.role === "user" ? 0 : calls + 1
      const called = [0, 1].map((at) => ({ type: "toolCall", name: "look", input: { calls, at } }) as const)
      return calls < 3 ? [say(`Step ${calls}`), ...called] : [say("Done")]
    })
    const tools = [tool({ ...look, execute: (input) => input })]
    const node = await start(provider, { tools })
    const { id } = await node.sessions.create(alice)
    await talk(node, id, 3)
    const whole = await readWholeHistory(node.sessions, id)
    const pages = [await pageOf(node, id, { turns })]
    for (let { before } = pages[0] ?? { before: null }; before !== null; ) {
      const next = await pageOf(node, id, { turns, before })
      before = next.before
      pages.push(next)
    }
    expect(pages.toReversed().flatMap(({ messages }) => messages)).toEqual(whole.messages)
    expect(pages).toHaveLength(Math.ceil(12 / turns))
    const responses = pages.map(({ messages }) => messages.filter(({ role }) => role === "assistant").length)
    expect(Math.max(...responses)).toBeLessThanOrEqual(turns)
    expect(pages[0]?.lastSeq).toBe(whole.lastSeq)
    // If a request has both bounds, the smaller page counts.
    const both = await pageOf(node, id, { runs: 1, turns: 100 })
    expect(both.messages).toEqual(whole.messages.slice(-8))
  },
)

it("reads only the end of the log if the session has a snapshot", async () => {
  const { node, id, reads, store } = await open()
  await talk(node, id, 45)
  await vi.waitFor(async () => expect(await store.snapshots.find(id)).not.toBeNull(), patience)
  reads.length = 0
  const { messages, spent } = await pageOf(node, id, { runs: 3 })
  expect(messages).toHaveLength(6)
  expect(spent.cost).toBe(45)
  const snapshot = await store.snapshots.find(id)
  const first = await node.log.runStart(id, snapshot?.seq ?? 0)
  for (const { afterSeq } of reads) expect(afterSeq).toBeGreaterThanOrEqual(first - 1)
})

it("starts with the messages that replaced the history, and has none before", async () => {
  const { node, id } = await open()
  await talk(node, id, 2)
  const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
  const input = { type: "conversation", messages: [user("before"), user("now")] } as const
  await watchRun(node.sessions, id, await putAccepted(node, id, "", { input }))
  await talk(node, id, 1)
  const pages = await pagesOf(node, id, 1)
  expect(pages.map(({ messages }) => messages.length)).toEqual([2, 3])
  expect(pages.at(-1)?.messages[0]).toEqual(user("before"))
  const old = await pageOf(node, id, { runs: 1, before: 5 })
  expect(old).toMatchObject({ messages: [], before: null })
})

it("is empty for a session without messages", async () => {
  const { node, id } = await open()
  expect(await pageOf(node, id, { runs: 5 })).toMatchObject({ messages: [], before: null, lastSeq: 0 })
})

it("shows the open run on the newest page", async () => {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const provider = scriptedProvider([[say("One")], [say("Two"), forever]])
  const node = await start(provider, { store })
  const { id } = await node.sessions.create(alice)
  await talk(node, id, 1)
  const { runId } = await putAccepted(node, id, "And?")
  await vi.waitFor(
    async () => expect((await pageOf(node, id, { runs: 1 })).activeRun?.id).toBe(runId),
    patience,
  )
  const page = await pageOf(node, id, { runs: 1 })
  expect(page.messages).toMatchObject([{ role: "user", content: [{ text: "And?" }] }])
  expect(page.before).not.toBeNull()
})
