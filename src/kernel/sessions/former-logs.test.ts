import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { formatFormerRows } from "../../adapters/stores/fixtures/former-rows.ts"
import { startTestServer, type TestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import { openPostgresStore } from "../../adapters/stores/postgres/open.ts"
import { openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { toFormerWaitId } from "../../core/wait.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import { patience, readWholeHistory, silentLogger, startTestNode } from "./fixtures/test-gateway.ts"

const options = { clock: systemClock, logger: silentLogger }
let server: TestServer
let directory = ""
beforeAll(async () => {
  server = await startTestServer()
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterAll(async () => {
  await server.stop()
  rmSync(directory, { recursive: true })
})

/** Stores that contain rows of an older version. */
const stores: readonly (readonly [string, (version: 1 | 2) => Promise<Store>])[] = [
  [
    "SQLite",
    async (version) => {
      const path = join(directory, `version-${version}`)
      await (await openSqliteStore({ path, ...options })).close()
      const database = new DatabaseSync(join(path, "gateway.db"))
      database.exec(formatFormerRows("", version))
      database.close()
      return openSqliteStore({ path, ...options })
    },
  ],
  [
    "Postgres",
    async (version) => {
      const name = `version_${version}`
      await server.createDatabase(name)
      const url = server.urlOf(name)
      await (await openPostgresStore({ url, ...options })).close()
      await server.ask(formatFormerRows("agent_gateway.", version), name)
      return openPostgresStore({ url, ...options })
    },
  ],
]

describe.each(stores)("on %s", (_, openFormer) => {
  it.each([1, 2] as const)(
    "runs that version %i left waiting are read, answered and finished",
    async (version) => {
      const store = await openFormer(version)
      const finisher = await finishing(store)
      const { sessions } = finisher
      const resultOf = async (name: string) => {
        const sessionId = `sess_${name}`
        const runId = (await store.log.read(sessionId, { afterSeq: 0, limit: 1 }))[0]?.runId ?? ""
        const { outcome } = await sessions.result(sessionId, runId, {})
        expect([name, outcome]).toMatchObject([name, { type: "runCompleted", disposition: "completed" }])
        const { messages } = await readWholeHistory(sessions, sessionId)
        const told = messages.find(({ role }) => role === "tool")
        return told?.role === "tool" ? told.results[0]?.result : null
      }
      const openWait = async (name: string): Promise<Wait> => {
        const [wait] = await sessions.openWaits({ sessionId: `sess_${name}` })
        if (wait === undefined) throw new Error(`${name} has no open wait.`)
        expect(wait.waitId).toBe(toFormerWaitId(wait.kind, wait.toolCallId))
        return wait
      }
      const paid = { type: "json", value: { paid: { n: 1 } } }
      const given = { kind: "elicitation", continuation: { step: 1 }, action: "accept" }
      expect(await resultOf("approval_answered")).toEqual(paid)
      expect(await resultOf("client_answered")).toEqual({ type: "json", value: "Paris" })
      expect(await resultOf("form_answered")).toEqual({
        type: "json",
        value: { ...given, content: { name: "Ada" } },
      })
      // The question was asked from inside a call that no longer exists.
      expect(await resultOf("ask_open")).toMatchObject({ type: "error", code: "interrupted" })

      const target = ({ sessionId, toolCallId, nonce }: Wait) => {
        return {
          sessionId,
          toolCallId,
          nonce,
          decidedBy: { via: "cli", tenant: null, userId: "ops", address: null },
        } as const
      }
      const [approval, client, form] = [
        await openWait("approval_open"),
        await openWait("client_open"),
        await openWait("form_open"),
      ]
      expect([approval.payload, approval.origin]).toEqual([
        { input: { n: 1 }, qualifier: null, reason: null },
        null,
      ])
      expect(await sessions.decide({ ...target(approval), nonce: "wrong", approved: true })).toEqual({
        status: "wrongNonce",
      })
      const misfit = { ...target(form), action: "accept", content: { name: 7 } } as const
      expect(await sessions.respond(misfit)).toMatchObject({ status: "invalid" })
      const outcomes = [
        await sessions.decide({ ...target(approval), approved: true }),
        await sessions.submitResult({ ...target(client), result: { type: "json", value: "Rome" } }),
        await sessions.respond({ ...misfit, content: { name: "Grace" } }),
      ]
      expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "accepted", "accepted"])
      expect(await resultOf("approval_open")).toEqual(paid)
      expect(await resultOf("client_open")).toEqual({ type: "json", value: "Rome" })
      expect(await resultOf("form_open")).toEqual({
        type: "json",
        value: { ...given, content: { name: "Grace" } },
      })
      const grants = await sessions.grants("sess_approval_answered")
      expect(grants.map(({ toolName }) => toolName)).toEqual(["pay"])
      await vi.waitFor(async () => expect(await sessions.openWaits({})).toEqual([]), patience)
      await finisher.stop()
      await store.close()
    },
  )
})

/** Starts a node that serves the agent of the older version. */
async function finishing(store: Store) {
  const provider = scriptedProvider(() => [{ type: "text", text: "Done" }])
  const tools = [
    createAnyTool("pay", (input) => ({ type: "json", value: { paid: input } }), { needsApproval: true }),
    createAnyTool("where", () => Promise.reject(new Error()), { executionLocation: "client" }),
    createAnyTool("book", (_, { answered }) => ({
      type: "json",
      value: JSON.parse(JSON.stringify(answered)),
    })),
    createAnyTool("ask", () => ({ type: "json", value: "asked again" })),
  ]
  return startTestNode(provider, { store, tools })
}
