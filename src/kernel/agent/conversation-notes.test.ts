import { describe, expect, it } from "vitest"
import { emptyFingerprint } from "../../core/history/history-fingerprint.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import { createForgeries, forged, readFrames, textOf } from "../../core/text/fixtures/forgeries.ts"
import { noSpending } from "../../core/usage.ts"
import { createSummaryMessage, joinSummary, splitSummary } from "./conversation-notes.ts"

const facts: Omit<HistoryCompacted, "summary"> = {
  ...{ type: "historyCompacted", compactionId: "cmp_1", notes: [], keptFromSeq: 1, keptFromIndex: 0 },
  ...{ fingerprint: emptyFingerprint, tokensBefore: 2, tokensAfter: 1, model: "model", charged: 0 },
  ...{ estimated: false, spent: noSpending, ...noSpending },
}

function show(summary: Pick<HistoryCompacted, "summary" | "latestMessageFrom">): string {
  return textOf(createSummaryMessage({ ...facts, ...summary }))
}

describe("a summary", () => {
  it.each(createForgeries("summary"))(
    "with %j keeps the text of a model and the user's message apart",
    (text) => {
      for (const latestMessage of [null, "Find the red door.", text]) {
        expect(splitSummary(joinSummary({ text, latestMessage }))).toEqual({ text, latestMessage })
      }
      const shown = show(joinSummary({ text, latestMessage: "Find the red door." }))
      const { outside, values } = readFrames(shown, ["summary"])
      expect(values).toEqual([{ summary: text }])
      expect(outside).not.toContain(forged)
      expect(outside).toContain("Latest message of the user, word for word:]\nFind the red door.")
    },
  )

  it("of an older version is the text of a model as a whole", () => {
    const summary = `Looking.\n\nLatest message of the user, word for word:\n${forged}`
    expect(splitSummary({ summary })).toEqual({ text: summary, latestMessage: null })
    expect(readFrames(show({ summary }), ["summary"]).outside).not.toContain(forged)
  })
})
