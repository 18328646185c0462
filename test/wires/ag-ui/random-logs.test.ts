import { expect, it } from "vitest"
import type { Entry } from "../../../src/core/log/entries.ts"
import { compact, eventsOf, judge, type ReadEvent, replay } from "../../../src/wires/ag-ui/fixtures/judge.ts"
import { renderRun } from "../../../src/wires/ag-ui/fixtures/render.ts"
import { SnapshotFold } from "../../../src/wires/ag-ui/snapshot-messages.ts"
import { longOrShort } from "../../long-tests.ts"
import { createRandomLog, dropDeltas } from "../fixtures/random-log.ts"
import { createStreamedRuns } from "../fixtures/streamed-log.ts"

const complete = { type: "complete" } as const

/** Live output of tools is not kept with the log. */
const withoutOutput = (read: readonly ReadEvent[]) =>
  compact(eventsOf(read)).filter(({ name }) => name !== "gateway.tool_output")

const replacesHistory = (entry: Entry) => entry.kind === "event" && entry.event.type === "historyReplaced"

const seeds = Array.from({ length: longOrShort(500, 50) }, (_, index) => `ag-ui ${index}`)

it("shows random logs in the order of the protocol, and from every frame to the same end", async () => {
  let frames = 0
  for (const seed of seeds) {
    for (const { runId, live, pruned } of createStreamedRuns(seed, 12)) {
      const options = { runId, from: (live[0]?.seq ?? 1) - 1 }
      const whole = renderRun(live, options)
      await judge(whole)
      const end = compact(eventsOf(whole))
      expect(compact(eventsOf(renderRun(pruned, options)))).toEqual(end)
      for (const [index, { id }] of whole.slice(0, -1).entries()) {
        frames++
        for (const entries of [live, pruned]) {
          const rest = renderRun(entries, { ...options, lastEventId: id })
          const both = compact(eventsOf([...whole.slice(0, index + 1), ...rest]))
          expect([seed, id, both]).toEqual([seed, id, end])
        }
      }
    }
  }
  expect(frames).toBeGreaterThan(20 * seeds.length)
})

it("has the same messages in a snapshot of ended runs as in their streams", async () => {
  for (const seed of seeds.slice(0, 50)) {
    // The client whose own conversation replaced the log has messages that no stream has shown.
    const runs = createStreamedRuns(seed, 12).filter(({ live }) => !live.some(replacesHistory))
    const snapshot = new SnapshotFold()
    const streams = runs.map(({ runId, live, pruned }) => {
      snapshot.add(pruned)
      return compact(eventsOf(renderRun(live, { runId, from: (live[0]?.seq ?? 1) - 1, isAuthor: false })))
    })
    const messages = await replay(streams)
    // A client that has the messages of these runs has the same ones after the snapshot.
    const snapshotEvent = { type: "MESSAGES_SNAPSHOT", messages: snapshot.messages } as never
    const opening = { type: "RUN_STARTED", threadId: "thread", runId: "next" } as never
    const end = { type: "RUN_FINISHED", threadId: "thread", runId: "next" } as never
    expect([seed, await replay([[opening, snapshotEvent, end]])]).toEqual([seed, messages])
  }
})

it("shows random logs in the parts between questions, and each from every frame to the same end", async () => {
  const kinds = new Set<string>()
  for (let seed = 1; seed <= seeds.length; seed++) {
    const log = createRandomLog(seed)
    const from = (log.entries[0]?.seq ?? 1) - 1
    const parts = [from, ...log.parked.map(({ seq }) => seq)].map((start, index) => {
      const parked = log.parked[index]
      const until = parked?.seq ?? Number.POSITIVE_INFINITY
      const end = parked === undefined ? complete : ({ type: "parked", waits: parked.waits } as const)
      const show = (entries: readonly Entry[], lastEventId: string | null = null) =>
        renderRun(
          entries.filter(({ seq }) => seq <= until),
          { runId: `run-${index}`, from: start, end, lastEventId },
        )
      return { show, read: show(log.entries) }
    })
    for (const { show, read } of parts) {
      await judge(read)
      for (const { event } of read) kinds.add(event.type)
      const end = compact(eventsOf(read))
      expect([seed, withoutOutput(show(dropDeltas(log)))]).toEqual([seed, withoutOutput(read)])
      for (const [index, { id }] of read.slice(0, -1).entries()) {
        const both = [...read.slice(0, index + 1), ...show(log.entries, id)]
        expect([seed, id, compact(eventsOf(both))]).toEqual([seed, id, end])
      }
    }
    const whole = renderRun(log.entries, { from, isWhole: true })
    await judge(whole)
    const messages = await replay(parts.map(({ read }) => eventsOf(read)))
    expect([seed, messages]).toEqual([seed, await replay([eventsOf(whole)])])
  }
  expect([...kinds].sort()).toEqual([
    ...["CUSTOM", "REASONING_END", "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_END"],
    ...["REASONING_MESSAGE_START", "REASONING_START", "RUN_ERROR", "RUN_FINISHED", "RUN_STARTED"],
    ...["STEP_FINISHED", "STEP_STARTED", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TEXT_MESSAGE_START"],
    ...["TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT", "TOOL_CALL_START"],
  ])
})
