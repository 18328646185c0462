import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest"
import { startTestServer, type TestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import { openPostgresStore } from "../../adapters/stores/postgres/open.ts"
import { openSqliteStore } from "../../adapters/stores/sqlite/open.ts"
import { joinTexts } from "../../core/history/messages.ts"
import type { Event } from "../../core/log/entries.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { SessionBatch } from "../../core/ports/store/session-log.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  patience,
  putAccepted,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  type TestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

/** The long form has 1 000 rounds: `ANSWER_ROUNDS=1000 npx vitest run src/kernel/sessions/answers-together.test.ts`. */
const rounds = Number(process.env.ANSWER_ROUNDS ?? 45)
const timeoutMs = Math.max(120_000, rounds * 600)
const roundsAtOnce = 5

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const options = { clock: systemClock, logger: silentLogger }
const stores: readonly (readonly [name: string, prepare: () => Promise<() => Promise<Store>>])[] = [
  [
    "SQLite",
    async () => {
      const path = await mkdtemp(join(tmpdir(), "gateway-answers-"))
      onTestFinished(() => rm(path, { recursive: true }))
      return () => openSqliteStore({ path, ...options })
    },
  ],
  [
    "Postgres",
    async () => {
      await server.createDatabase("answers")
      return () => openPostgresStore({ url: server.urlOf("answers"), ttlMs: 60_000, ...options })
    },
  ],
]

const decidedBy = { via: "http", tenant: "tenant", userId: "alice", address: null } as const
const target = ({ toolCallId, nonce }: Wait, sessionId: string) => {
  return { sessionId, toolCallId, nonce, decidedBy }
}
const ways = ["together", "60 ms apart", "at once"] as const

it.each(stores)(
  "two answers by two nodes each count once, and the run goes on once: on %s",
  async (_, prepare) => {
    const open = await prepare()
    /** The events of each commit that logs an answer, by session. */
    const commits = new Map<string, Event[][]>()
    const paid = new Map<string, number>()
    const pay = createAnyTool(
      "pay",
      (_input, { session }) => {
        paid.set(session.id, (paid.get(session.id) ?? 0) + 1)
        return { type: "json", value: "paid" }
      },
      { needsApproval: true },
    )
    const where = createAnyTool("where", () => Promise.reject(new Error("executed here")), {
      executionLocation: "client",
    })
    const provider = scriptedProvider((request) =>
      request.messages.at(-1)?.role === "tool" ? [say("Done.")] : [call("pay"), call("where")],
    )
    const startNode = async () => {
      const store = await open()
      const log = { ...store.log, commit: (batches: readonly SessionBatch[]) => commit(store, batches) }
      const node = await startTestNode(provider, { store: { ...store, log }, tools: [pay, where] })
      onTestFinished(async () => {
        await node.stop()
        await store.close()
      })
      return node
    }
    const commit = async (store: Store, batches: readonly SessionBatch[]) => {
      const outcomes = await store.log.commit(batches)
      for (const [index, { lease, entries }] of batches.entries()) {
        const events = selectEvents(entries)
        if (outcomes[index] !== "ok" || !events.some(({ type }) => type === "waitResolved")) continue
        commits.set(lease.sessionId, [...(commits.get(lease.sessionId) ?? []), events])
      }
      return outcomes
    }
    const nodes = [await startNode(), await startNode()] as const
    const next = Array.from({ length: rounds }, (_, round) => round).values()
    const play = async () => {
      for (const round of next) await playRound(nodes, round)
    }
    await Promise.all(Array.from({ length: roundsAtOnce }, play))

    async function playRound([first, second]: readonly [TestNode, TestNode], round: number): Promise<void> {
      const way = ways[round % ways.length]
      const [home, away] = round % 2 === 0 ? [first, second] : [second, first]
      const { id } = await home.sessions.create(alice)
      const run = await putAccepted(home, id, `Go ${round}`)
      const waits = await vi.waitFor(async () => {
        const open = await home.sessions.openWaits({ sessionId: id })
        expect(open).toHaveLength(2)
        return open
      }, patience)
      const asked = waits.find(({ kind }) => kind === "approval")
      const opened = waits.find(({ kind }) => kind === "clientTool")
      if (asked === undefined || opened === undefined) throw new Error("Two waits of another kind are open.")
      const approval = { ...target(asked, id), approved: true }
      const result = { ...target(opened, id), result: { type: "json", value: round } } as const
      const watching = watchRun(away.sessions, id, run)
      const statuses = (await answer()).map((each) => ("status" in each ? each.status : each))
      expect(statuses, `round ${round}`).toEqual(["accepted", "accepted"])
      const events = selectEvents(await watching)
      expect(events.filter(({ type }) => type === "waitResolved")).toHaveLength(2)
      expect(events.filter(({ type }) => type === "toolCallCompleted")).toHaveLength(2)
      expect(events.at(-1)).toMatchObject({ type: "runCompleted", disposition: "completed" })
      expect(paid.get(id)).toBe(1)
      const requests = provider.requests.filter(({ messages: [message] }) => {
        return message?.role === "user" && joinTexts(message.content) === `Go ${round}`
      })
      expect(requests).toHaveLength(2)
      const logged = (commits.get(id) ?? []).map((each) => each.map(({ type }) => type))
      expect(logged.flat().filter((type) => type === "waitResolved")).toHaveLength(2)
      if (way === "together") expect(logged).toHaveLength(1)

      async function answer() {
        switch (way) {
          case "together": {
            const outcomes = await away.sessions.answerAll([
              { kind: "approval", ...approval },
              { kind: "clientTool", ...result },
            ])
            return "status" in outcomes ? [outcomes] : outcomes
          }
          case "60 ms apart": {
            const early = await home.sessions.answer({ kind: "approval", ...approval })
            await delay(60)
            return [early, await away.sessions.answer({ kind: "clientTool", ...result })]
          }
          case "at once":
          case undefined:
            return Promise.all([
              home.sessions.answer({ kind: "approval", ...approval }),
              away.sessions.answer({ kind: "clientTool", ...result }),
            ])
          default:
            return way satisfies never
        }
      }
    }
  },
  timeoutMs,
)
