import { expect, it } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import type { Entry } from "../core/log/entries.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"
import { systemClock } from "../core/time/clock.ts"
import { archiveHistories } from "../kernel/sessions/archive-histories.ts"
import { silentLogger } from "../kernel/sessions/fixtures/test-gateway.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

async function readAll(log: SessionLog, sessionId: string): Promise<readonly Entry[]> {
  return log.read(sessionId, { afterSeq: 0, limit: 100_000, deltas: false })
}

it("keeps a repeatedly compacted session small, and keeps each of its words", async () => {
  const store = await openMemoryStore({ clock: systemClock, logger: silentLogger })
  const { log, archive } = store
  const provider = scriptedProvider(({ system, messages }) => {
    const isSummary = system.some(({ text }) => text.includes("You write summaries"))
    if (isSummary) return [{ type: "text", text: "They looked." }]
    return messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Seen." }]
      : [{ type: "toolCall", name: "look" }]
  })
  const seen = "What is there to be seen. ".repeat(200)
  const gateway = createAgent("You look.", {
    store,
    provider,
    model: "model",
    logger: silentLogger,
    contextWindow: 8_000,
    maxTokens: 500,
    tools: [
      tool({ name: "look", description: "Looks.", inputSchema: { type: "object" }, execute: () => seen }),
    ],
  })
  try {
    const { sessionId } = await gateway.run("Look 0.")
    let [stored, most, whole] = [0, 0, 0]
    for (let turn = 1; turn < 60; turn++) {
      await gateway.run(`Look ${turn}.`, { sessionId })
      const before = await readAll(log, sessionId)
      await archiveHistories(log, archive)
      expect(await archive.due(10)).toEqual([])
      expect(await readAll(log, sessionId)).toEqual(before)
      stored = (await log.session(sessionId))?.storedBytes ?? 0
      most = Math.max(most, stored)
      whole = before.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0)
    }
    expect(whole).toBeGreaterThan(60 * seen.length)
    // Small events stay in the log row.
    expect(most).toBeLessThan(whole / 3)
    const events = await readAll(log, sessionId)
    const texts = JSON.stringify(events)
    for (let turn = 0; turn < 60; turn++) expect(texts).toContain(`Look ${turn}.`)
    expect(texts.split(seen).length - 1).toBe(60)
  } finally {
    await gateway.close({ graceMs: 0 })
  }
})
