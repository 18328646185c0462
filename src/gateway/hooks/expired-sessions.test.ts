import { afterEach, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAgent } from "../create-agent.ts"
import type { Gateway } from "../gateway.ts"
import { expiredSessionKind } from "./expired-sessions.ts"
import type { SessionReport } from "./hooks.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const gateways: Gateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close({ graceMs: 0 })
})

it("each expired session is reported, again after a failure, and always with the same id", async () => {
  const store = await openMemoryStore({ clock: systemClock, logger })
  const reports: SessionReport[] = []
  const gateway = createAgent("You help.", {
    ...{ store, logger, name: "helper" },
    provider: scriptedProvider(() => [{ type: "text", text: "Hello." }]),
    onSessionExpired(report) {
      reports.push(report)
      if (reports.length === 1) throw new Error("The disk is full.")
    },
  })
  gateways.push(gateway)
  const { sessionId } = await gateway.run("Hi.", { userId: "ada" })
  await store.log.prune({
    ...{ deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER },
    removedSessionKinds: [expiredSessionKind],
  })
  await vi.waitFor(() => expect(reports).toHaveLength(2))
  const report = {
    id: `${sessionId}:expired`,
    sessionId,
    userId: "ada",
    agent: "helper",
    parentSessionId: null,
  }
  expect(reports).toMatchObject([report, report])
})
