import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { type StoreOptions, storeOptions } from "../../adapters/stores/options.ts"
import { startTestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { openSession } from "../../testing/session-log/fixtures.ts"
import { memoryStore, openStore, postgresStore, sqliteStore } from "./open-store.ts"

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const open = (choice: StoreOptions) =>
  openStore(resolveOptions("test", storeOptions, choice), { clock: systemClock, logger: silent })

describe("a store", () => {
  it("is created in the directory of sqliteStore, and of a path", async () => {
    for (const choose of [sqliteStore, (path: string) => path]) {
      const path = await mkdtemp(join(tmpdir(), "agent-gateway-store-"))
      onTestFinished(() => rm(path, { recursive: true, force: true }))
      await (await open({ store: choose(path) })).close()
      expect(await readdir(path)).toContain("gateway.db")
    }
  })

  it("is in the database of postgresStore, and of a URL", async () => {
    const server = await startTestServer()
    onTestFinished(() => server.stop())
    for (const choose of [postgresStore, (url: string) => url]) {
      const store = await open({ store: choose(server.urlOf()) })
      await openSession(store.log)
      await store.close()
    }
    expect(await server.countOf("SELECT count(*)::int FROM agent_gateway.session")).toBe(2)
  })

  it("is in memory with memoryStore, and each has its own data", async () => {
    const [one, other] = [await open({ store: memoryStore() }), await open({ store: "memory" })]
    const sessionId = await openSession(one.log)
    expect(await one.directory.session(sessionId)).not.toBeNull()
    expect(await other.directory.session(sessionId)).toBeNull()
    await Promise.all([one.close(), other.close()])
  })

  it("of the application is not closed", async () => {
    const own = await open({ store: memoryStore() })
    const close = vi.spyOn(own, "close")
    await (await open({ store: own satisfies Store })).close()
    expect(close).not.toHaveBeenCalled()
    await own.close()
  })
})
