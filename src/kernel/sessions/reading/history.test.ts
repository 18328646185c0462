import { expect, it, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { Message } from "../../../core/history/messages.ts"
import { logVersion } from "../../../core/log/entries.ts"
import type { ReadOptions } from "../../../core/ports/store/read-options.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import {
  claimSession,
  commitOk,
  createMessage as contractMessage,
  openSession,
  requireAcceptedPut as requireAccepted,
  runStarted,
} from "../../../testing/session-log/fixtures.ts"
import {
  alice,
  prepareTestNodes,
  putAccepted,
  readWholeHistory,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  watchRun,
} from "../fixtures/test-gateway.ts"
import { Fold } from "./load-conversation.ts"

const start = prepareTestNodes()
const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
const never = new AbortController().signal

/** Opens a store that records the reads of its logs. */
async function openNoted() {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const reads: ReadOptions[] = []
  const log: Store["log"] = {
    ...store.log,
    read(sessionId, options) {
      reads.push(options)
      return store.log.read(sessionId, options)
    },
  }
  return { store: { ...store, log }, reads }
}

/** Creates a session with three runs. The messages of each start with another conversation than the log has. */
async function replacedTwice(store: Store) {
  const provider = scriptedProvider(() => [say("Hello"), { type: "end", usage }])
  const node = await start(provider, { store })
  const { id } = await node.sessions.create(alice)
  for (const name of ["first", "second", "third"]) {
    const messages = [user(`${name} before`), user(`${name} now`)]
    await watchRun(
      node.sessions,
      id,
      await putAccepted(node, id, "", { input: { type: "conversation", messages } }),
    )
  }
  return { node, id, provider }
}

it("is read from the last event that replaced it, and includes the earlier spending", async () => {
  const { store, reads } = await openNoted()
  const { node, id } = await replacedTwice(store)
  reads.length = 0
  const { messages, spent, lastSeq } = await readWholeHistory(node.sessions, id)
  expect(messages).toMatchObject([user("third before"), user("third now"), { role: "assistant" }])
  expect(spent.usage).toMatchObject({ inputTokens: 3, outputTokens: 3 })
  expect(lastSeq).toBe((await store.log.session(id))?.lastSeq)
  const historyStart = await store.log.historyStart(id)
  expect(historyStart).toBeGreaterThan(0)
  for (const { afterSeq } of reads) expect(afterSeq).toBeGreaterThanOrEqual(historyStart - 1)
})

it("is also the start of a run, and viewers with old cursors see everything after it", async () => {
  const { store, reads } = await openNoted()
  const { node, id, provider } = await replacedTwice(store)
  reads.length = 0
  await watchRun(node.sessions, id, await putAccepted(node, id, "fourth"))
  expect(provider.requests[3]?.messages).toHaveLength(4)
  expect(Math.min(...reads.map(({ afterSeq }) => afterSeq))).toBeGreaterThanOrEqual(
    (await store.log.historyStart(id)) - 1,
  )
  const shown = selectEvents(await watchRun(node.sessions, id, { afterSeq: 0 }))
  expect(shown.filter(({ type }) => type === "runStarted")).toHaveLength(4)
  expect(shown.filter(({ type }) => type === "historyReplaced")).toEqual([])
  const whole = await store.log.read(id, { afterSeq: 0, limit: 1_000 })
  expect(selectEvents(whole).filter(({ type }) => type === "historyReplaced")).toHaveLength(3)
})

it("is the same for a log whose events do not contain the earlier spending", async () => {
  const { store } = await openNoted()
  const { node, id } = await replacedTwice(store)
  const { lastSeq: _, ...expected } = await readWholeHistory(node.sessions, id)
  const old = await node.sessions.create(alice)
  const lease = await store.log.claim(old.id, ["agent"])
  if (lease === null) throw new Error("not claimed")
  const entries = (await store.log.read(id, { afterSeq: 0, limit: 1_000, deltas: false })).map(
    (entry, index) => {
      if (entry.kind !== "event") throw new Error("a delta")
      const { event } = entry
      const seq = lease.epoch * 1_000_000_000 + index + 1
      if (event.type !== "historyReplaced") return { ...entry, seq }
      return { ...entry, seq, v: logVersion, event: { type: event.type, messages: event.messages } }
    },
  )
  expect(await store.log.commit([{ lease, entries }])).toEqual(["ok"])
  expect(await readWholeHistory(node.sessions, old.id)).toMatchObject(expected)
})

it("is read in pages that do not stay in memory, even if it is replaced meanwhile", async () => {
  const { store } = await openNoted()
  const provider = scriptedProvider(() => [say("x".repeat(60_000))])
  const node = await start(provider, { store })
  const { id } = await node.sessions.create(alice)
  for (let run = 0; run < 6; run++) await watchRun(node.sessions, id, await putAccepted(node, id, `${run}`))
  const before = await readWholeHistory(node.sessions, id)
  const sizes: number[] = []
  const read: Message[] = []
  for await (const part of node.sessions.history(id, { signal: never })) {
    if (part.type === "end") expect(part.lastSeq).toBe(before.lastSeq)
    else {
      sizes.push(part.messages.length)
      read.push(...part.messages)
    }
    if (sizes.length !== 1) continue
    const messages = [user("another"), user("go on")]
    await watchRun(
      node.sessions,
      id,
      await putAccepted(node, id, "", { input: { type: "conversation", messages } }),
    )
  }
  expect(read).toEqual(before.messages)
  expect(sizes.length).toBeGreaterThan(3)
  expect(Math.max(...sizes)).toBeLessThan(6)
})

it("ends early for a reader that disconnects", async () => {
  const node = await startTestNode(scriptedProvider([[say("Hello")]]))
  const { id } = await node.sessions.create(alice)
  await watchRun(node.sessions, id, await putAccepted(node, id, "Hi"))
  const parts = vi.fn()
  for await (const part of node.sessions.history(id, { signal: AbortSignal.abort() })) parts(part)
  expect(parts).not.toHaveBeenCalled()
  await node.stop()
})

it("shows a run that opens during the read once: as queued or as active", async () => {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const sessionId = await openSession(store.log)
  const { runId } = requireAccepted(await store.log.put(contractMessage(sessionId)))
  let opens = true
  const log: Store["log"] = {
    ...store.log,
    async session(id) {
      const found = await store.log.session(id)
      if (!opens) return found
      opens = false
      const lease = await claimSession(store.log, sessionId)
      const commandsConsumed = (await store.log.pending(lease)).map((command) => command.id)
      const runOpened = { runId, cursor: 0, steerable: true }
      await commitOk(store.log, { lease, entries: [], commandsConsumed, runOpened })
      return found
    },
  }
  const node = await start(scriptedProvider([]), { store: { ...store, log }, start: false })
  const { activeRun, queuedRuns } = await readWholeHistory(node.sessions, sessionId)
  expect(activeRun?.id).toBe(runId)
  expect(queuedRuns).toEqual([])
})

it("is read for as many large sessions at once as the memory has room for", async () => {
  const node = await start(
    scriptedProvider(() => [say("Hello")]),
    { historyBytes: 1_000_000 },
  )
  const readers = ["ada", "bob", "eve"].map(async (userId) => {
    const { id } = await node.sessions.create({ ...alice, userId })
    await watchRun(node.sessions, id, await putAccepted(node, id, "x".repeat(600_000)))
    return id
  })
  const [first = "", second = "", third = ""] = await Promise.all(readers)
  const small = await node.sessions.create({ ...alice, userId: "small" })
  const reading = node.sessions.history(first, { signal: never })[Symbol.asyncIterator]()
  await reading.next()

  const leave = new AbortController()
  const parts = vi.fn()
  const leaving = (async () => {
    for await (const part of node.sessions.history(second, { signal: leave.signal })) parts(part)
  })()
  const ended = vi.fn()
  const waiting = readWholeHistory(node.sessions, third).finally(ended)
  // A small session waits for no one.
  await readWholeHistory(node.sessions, small.id)
  expect(ended).not.toHaveBeenCalled()
  leave.abort()
  await leaving
  expect(parts).not.toHaveBeenCalled()
  await reading.return?.()
  expect((await waiting).messages).toHaveLength(2)
})

it("holds no message of the user while later ones are read", async () => {
  const fold = new Fold()
  const content = [{ type: "text", text: "x" }] as const
  fold.apply({
    kind: "event",
    seq: 1,
    v: logVersion,
    at: 1,
    runId: "run_1",
    event: { ...runStarted, content },
  })
  expect(fold.takeFinished()?.messages).toEqual([{ role: "user", content }])
  expect(fold.conversation.messages).toEqual([])
  expect(fold.conversation.run?.started.content).toEqual([])
  expect(fold.takeLast().messages).toEqual([])
})
