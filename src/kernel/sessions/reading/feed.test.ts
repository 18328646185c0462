import { expect, it } from "vitest"
import type { DeltaEntry, LiveEntry } from "../../../core/log/entries.ts"
import { Feed } from "./feed.ts"

const data = { toolCallId: "call_1", name: "progress", value: "x".repeat(60_000) }

function output(seq: number, text: string): DeltaEntry {
  return {
    kind: "delta",
    seq,
    runId: "run_1",
    delta: { type: "textDelta", stepId: "s", messageId: "m", part: 0, text },
  }
}

/** Publishes the text on this many turns of the event loop, for a viewer that does not read. */
async function publishing(turns: number, text: string) {
  const feed = new Feed()
  const writer = feed.openWriter("sess_1", () => [])
  const viewer = feed.subscribe("sess_1", new AbortController().signal)
  for (let seq = 1; seq <= turns; seq++) {
    writer.publish(output(seq, text))
    await new Promise(setImmediate)
  }
  return viewer
}

it.each([
  { turns: 2_000, text: "x", what: "entries" },
  { turns: 10, text: "x".repeat(100_000), what: "characters" },
])(
  "keeps a bounded number of $what for a viewer, which then reads from the store",
  async ({ turns, text }) => {
    const upToDate = await publishing(turns, text)
    expect(upToDate.next()).toEqual({ type: "batch", entries: [output(1, text)] })
    const behind = await publishing(turns + 1, text)
    expect(behind.next()).toEqual({ type: "stale" })
  },
)

it.each<[string, (seq: number) => LiveEntry]>([
  ["transient", (seq) => ({ kind: "transient", seq, runId: "run_1", data })],
  [
    "stored",
    (seq) => ({ kind: "event", seq, v: 3, at: 0, runId: "run_1", event: { type: "dataEmitted", ...data } }),
  ],
])("counts the characters of %s data", async (_, entry) => {
  const feed = new Feed()
  const writer = feed.openWriter("sess_1", () => [])
  const viewer = feed.subscribe("sess_1", new AbortController().signal)
  for (let seq = 1; seq <= 20; seq++) {
    writer.publish(entry(seq))
    await new Promise(setImmediate)
  }
  expect(viewer.next()).toEqual({ type: "stale" })
})
