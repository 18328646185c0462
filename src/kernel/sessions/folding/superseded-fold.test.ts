import { expect, it } from "vitest"
import type { EventEntry } from "../../../core/log/entries.ts"
import { isSuperseded } from "../../../core/log/superseded.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { Conversation } from "../../agent/conversation.ts"
import { planFold } from "../reading/plan-fold.ts"
import { applyLive, foldLive, foldWithout, readRanges } from "./fixtures/apply-live.ts"
import { describeConversation } from "./fixtures/describe-conversation.ts"
import { createRandomLog } from "./fixtures/random-log.ts"
import { isOfBranch } from "./read-snapshot.ts"

const seeds = Array.from({ length: 500 }, (_, index) => `fork ${index}`)

function logOf(seed: string): readonly EventEntry[] {
  return createRandomLog({ seed, events: 250, forks: 0.3 })
}

function startsOf(
  entries: readonly EventEntry[],
): Pick<SessionLog, "read" | "runStart" | "historyStart" | "compactionStart"> {
  const find =
    (type: string) =>
    async (_: string, seq = Number.MAX_SAFE_INTEGER) =>
      entries.findLast((entry) => entry.event.type === type && entry.seq <= seq)?.seq ?? 0
  return {
    runStart: find("runStarted"),
    historyStart: find("historyReplaced"),
    compactionStart: find("historyCompacted"),
    read: async (_, { afterSeq, limit }) => entries.filter(({ seq }) => seq > afterSeq).slice(0, limit),
  }
}

it("gives 500 random logs with forks the same conversation live, from the log and after a compaction", async () => {
  let compacted = 0
  for (const seed of seeds) {
    const entries = logOf(seed)
    const live = describeConversation(foldLive(entries))
    const plan = await planFold(startsOf(entries), "sess_1")
    expect(plan.superseded).toEqual(readRanges(entries))
    expect(describeConversation(foldWithout(entries, plan.superseded)), seed).toBe(live)
    if (plan.fromSeq === 0) continue
    compacted += 1
    const later = entries.filter(({ seq }) => seq >= plan.fromSeq)
    expect(describeConversation(foldWithout(later, plan.superseded)), seed).toBe(live)
  }
  expect(compacted).toBeGreaterThan(100)
})

it("gives the same conversation from every snapshot outside the superseded runs", () => {
  const counts = { used: 0, refused: 0 }
  for (const seed of seeds.slice(0, 60)) {
    const entries = logOf(seed)
    const live = describeConversation(foldLive(entries))
    const superseded = readRanges(entries)
    const conversation = new Conversation()
    for (const index of entries.keys()) {
      applyLive(conversation, entries, index)
      const state = conversation.capture()
      const { last } = conversation.progress
      if (state === null || last === null || entries[index]?.event.type === "historyForked") continue
      if (!isOfBranch({ last, segments: [], state }, { superseded })) {
        counts.refused += 1
        continue
      }
      counts.used += 1
      const restored = Conversation.restore(JSON.parse(JSON.stringify(state)), last)
      for (const later of entries.slice(index + 1))
        if (!isSuperseded(superseded, later)) restored.apply(later)
      expect(describeConversation(restored), `${seed}, event ${index}`).toBe(live)
    }
  }
  expect(counts.used).toBeGreaterThan(1_000)
  expect(counts.refused).toBeGreaterThan(1_000)
})

it("never contains a message of a superseded run", () => {
  for (const seed of seeds.slice(0, 60)) {
    const entries = logOf(seed)
    const superseded = readRanges(entries)
    for (const { seq } of foldLive(entries).history.origins) {
      const origin = entries.find((entry) => entry.seq === seq)
      expect(origin !== undefined && isSuperseded(superseded, origin)).toBe(false)
    }
  }
})
