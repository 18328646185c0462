import { afterEach, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { Store } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  patience,
  putAccepted,
  say,
  silentLogger,
  startTestNode,
  type TestNode,
  watchRun,
} from "../fixtures/test-gateway.ts"

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const usage = { inputTokens: 9, outputTokens: 9, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const image = { type: "image", source: { type: "url", url: "https://host/image.png" } } as const

async function openStore(): Promise<Store> {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  ends.push(() => store.close())
  return store
}

/** Creates a model that calls a tool twice in every second turn. The results are large. */
function createProvider() {
  let turns = 0
  return scriptedProvider(({ messages }) => {
    const last = messages.at(-1)
    if (last?.role === "tool") return [say("The tool said: größe 漢字"), { type: "end", usage }]
    turns += 1
    if (turns % 2 === 0) return [say("One moment."), call("look_up"), call("look_up")]
    return [say(`Answer ${turns} "quoted" \n`), { type: "end", usage }]
  })
}

async function released(store: Store, id: string): Promise<void> {
  await vi.waitFor(async () => {
    const lease = (await store.log.held()).find(({ sessionId }) => sessionId === id)
    expect(lease).toBeUndefined()
  }, patience)
}

it("sends the same requests from memory, from a snapshot and from the log, byte for byte", async () => {
  const store = await openStore()
  const provider = createProvider()
  const tools = [
    createAnyTool("look_up", () => ({
      type: "json",
      value: { found: "x".repeat(3_000), at: undefined } as never,
    })),
  ]
  const open = () => startTestNode(provider, { store, tools })
  let node: TestNode = await open()
  ends.push(() => node.stop())
  const { id } = await node.sessions.create(alice)
  const sources = new Set<string>()
  for (let turn = 1; turn <= 45; turn++) {
    const content = [{ type: "text", text: `Turn ${turn}` } as const, ...(turn % 7 === 0 ? [image] : [])]
    const run = await putAccepted(node, id, "", { input: { type: "message", content } })
    await watchRun(node.sessions, id, run)
    await released(store, id)
    if (turn % 3 === 0) {
      await node.stop()
      const hasSnapshot = (await store.snapshots.find(id)) !== null
      const lease = turn % 2 === 0 ? await store.log.claim(id, ["agent"]) : null
      if (lease !== null) {
        await store.snapshots.drop(lease)
        await store.log.release(lease, { force: true })
      }
      sources.add(lease !== null ? "log" : hasSnapshot ? "snapshot" : "short log")
      node = await open()
    } else sources.add("memory")
  }
  expect([...sources].sort()).toEqual(["log", "memory", "short log", "snapshot"])
  const texts = provider.requests.map(({ messages }) => messages.map((message) => JSON.stringify(message)))
  for (const [index, request] of texts.slice(1).entries()) {
    const former = texts[index] ?? []
    expect(request.slice(0, former.length)).toEqual(former)
  }
})
