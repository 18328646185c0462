import { expect, it } from "vitest"
import { countTurns } from "../../../../core/fixtures/count-turns.ts"
import type { Entry } from "../../../../core/log/entries.ts"
import type { SessionBatch } from "../../../../core/ports/store/session-log.ts"
import {
  createEvent,
  createTextDelta,
  runStarted,
  stepStarted,
} from "../../../../testing/session-log/fixtures.ts"
import { hasLargeEvents, makeLargeBodies } from "./large-bodies.ts"

function large(seq: number, characters: number): Entry {
  const content = [{ type: "text", text: "x".repeat(characters) }] as const
  return createEvent(seq, "run_1", { ...runStarted, content })
}

function batchOf(...entries: Entry[]): SessionBatch {
  return {
    lease: { sessionId: "sess_1", epoch: 1, takeovers: 0, principal: { tenant: "", userId: "" } },
    entries,
  }
}

it("creates the texts of large events only", async () => {
  const [small, big] = [createEvent(1, "run_1", stepStarted), large(2, 500_000)]
  const batches = [batchOf(createTextDelta(3, "run_1", "x".repeat(500_000)), small), batchOf(big)]
  expect(hasLargeEvents(batches.slice(0, 1))).toBe(false)
  expect(hasLargeEvents(batches)).toBe(true)
  const text = JSON.stringify(big.kind === "event" ? big.event : null)
  expect(await makeLargeBodies(batches)).toEqual(new Map([[big, { text, bytes: text.length }]]))
})

it("yields to the event loop meanwhile", async () => {
  const { turns } = await countTurns(() => makeLargeBodies([batchOf(large(1, 4_000_000))]))
  expect(turns).toBeGreaterThanOrEqual(30)
})
