import { expect, it } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { ReadOptions } from "../../../core/ports/store/read-options.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createCompaction } from "../../compaction/create-compaction.ts"
import {
  alice,
  prepareTestNodes,
  putAccepted,
  readWholeHistory,
  say,
  silentLogger,
  watchRun,
} from "../fixtures/test-gateway.ts"

const start = prepareTestNodes()
const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const text = "A sentence that takes some room. ".repeat(20)

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

/** Creates a session with thirty runs and a model whose window has room for about five of them. */
async function longSession() {
  const { store, reads } = await openNoted()
  const provider = scriptedProvider(({ system }) => {
    const isSummary = system.some((block) => block.text.includes("You write summaries"))
    return [say(isSummary ? "They said things." : text), { type: "end", usage }]
  })
  const node = await start(provider, {
    store,
    compaction: createCompaction({ contextWindow: 4_000 }),
    pricing: { cost: () => 1 },
    maxTokens: 500,
  })
  const { id } = await node.sessions.create(alice)
  for (let turn = 1; turn <= 30; turn++) {
    await watchRun(node.sessions, id, await putAccepted(node, id, `${turn}: ${text}`))
  }
  return { node, id, provider, reads, store }
}

it("continues from the last compaction with the same request as a process that has seen everything", async () => {
  const { node, id, provider, reads } = await longSession()
  const before = provider.requests.at(-1)?.messages ?? []
  expect(JSON.stringify(before[0])).toContain("They said things.")
  const compactedAt = await node.log.compactionStart(id)
  expect(compactedAt).toBeGreaterThan(0)
  reads.length = 0
  await watchRun(node.sessions, id, await putAccepted(node, id, "And now?"))
  const after = provider.requests.at(-1)?.messages ?? []
  expect(after.slice(0, before.length)).toEqual(before)
  // Ten runs before the compaction have about a hundred events. None of them is read.
  const firstRun = await node.log.runStart(id, Number.MAX_SAFE_INTEGER)
  expect(firstRun).toBeGreaterThan(compactedAt)
  const folded = reads.filter(({ deltas, limit }) => deltas === false && limit > 1)
  expect(Math.min(...folded.map(({ afterSeq }) => afterSeq))).toBeGreaterThan(1_000_000_000)
})

it("counts the cost of the session once, wherever the fold starts", async () => {
  const { node, id, provider } = await longSession()
  const { spent } = await readWholeHistory(node.sessions, id)
  expect(spent.cost).toBe(provider.requests.length)
  await watchRun(node.sessions, id, await putAccepted(node, id, "And now?"))
  expect((await readWholeHistory(node.sessions, id)).spent.cost).toBe(provider.requests.length)
})

it("shows readers every message", async () => {
  const { node, id } = await longSession()
  const { messages } = await readWholeHistory(node.sessions, id)
  expect(messages).toHaveLength(60)
  expect(JSON.stringify(messages)).not.toContain("They said things.")
})
