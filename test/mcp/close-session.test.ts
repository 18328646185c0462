import { afterEach, expect, it, onTestFinished, vi } from "vitest"
import { openMemoryStore } from "../../src/adapters/stores/sqlite/open.ts"
import type { PruneLimits } from "../../src/core/ports/store/prune-limits.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import { createGateway } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { listed, listingServer } from "./support/listing-server.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const old = { deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER }
const kind = "helper/mcp/sessionRemoved"

afterEach(() => void vi.useRealTimers())

/** Opens a gateway with two agents, of which one has MCP servers. */
async function open(prune?: (limits: PruneLimits) => Promise<void>) {
  const browser = await listingServer("browser", listed("look"), listed("browser_close_session"))
  const plain = await listingServer("plain", listed("plain_close_session"))
  const files = await listingServer("files", listed("read"))
  const store = await openMemoryStore({ clock: systemClock, logger })
  const provider = scriptedProvider(() => [{ type: "text", text: "Hello." }])
  const gateway = createGateway({
    store: prune === undefined ? store : { ...store, log: { ...store.log, prune } },
    logger,
    agents: {
      helper: {
        ...{ systemPrompt: "You help.", provider },
        mcpServers: { browser: browser.definition(), plain: plain.definition(), files: files.definition() },
        mcpSessionInjectServers: ["browser", "files"],
      },
      other: { systemPrompt: "You help others.", provider },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, store, browser, plain, files }
}

it("closes a removed session once, at the servers that receive the session's id and have the tool", async () => {
  const { gateway, store, browser, plain, files } = await open()
  const { sessionId } = await gateway.run("Hi.")
  await gateway.run("Hi.", { agent: "other" })
  await store.log.prune({ ...old, removedSessionKinds: [kind] })
  await vi.waitFor(async () => {
    expect(browser.inputs()).toEqual([{ _session_id: sessionId }])
    expect((await gateway.operate("outbox.list", {})).items).toEqual([])
  })
  await store.log.prune({ ...old, removedSessionKinds: [kind] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(browser.calls()).toEqual(["browser_close_session"])
  expect([plain.calls(), files.calls()]).toEqual([[], []])
})

it("is requested by the housekeeping of a gateway with such servers", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  const pruned: PruneLimits[] = []
  const { gateway } = await open(async (limits) => void pruned.push(limits))
  await gateway.prepare()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(pruned.at(-1)?.removedSessionKinds).toEqual([kind])
})
