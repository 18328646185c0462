import { createHash } from "node:crypto"
import { expect, it } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import { Conversation } from "../../agent/conversation.ts"
import { applyLive, foldLive } from "./fixtures/apply-live.ts"
import { describeConversation } from "./fixtures/describe-conversation.ts"
import { createRandomLog } from "./fixtures/random-log.ts"
import { foldVersion } from "./snapshot-form.ts"

const seeds = Array.from({ length: 60 }, (_, index) => `log ${index}`)

it.each(seeds)("continues from any captured state like from the start, byte for byte (%s)", (seed) => {
  const entries = createRandomLog({ seed, events: 150 })
  const expected = describeConversation(foldLive(entries))
  const conversation = new Conversation()
  let captures = 0
  for (const index of entries.keys()) {
    applyLive(conversation, entries, index)
    const state = conversation.capture()
    const { last } = conversation.progress
    if (state === null || last === null) continue
    captures += 1
    const restored = Conversation.restore(JSON.parse(JSON.stringify(state)), last)
    expect(describeConversation(restored)).toBe(describeConversation(conversation))
    for (let later = index + 1; later < entries.length; later++) applyLive(restored, entries, later)
    expect(describeConversation(restored)).toBe(expected)
  }
  expect(captures).toBeGreaterThan(10)
})

it.each(seeds)("has the same open tasks if it starts at a summary (%s)", (seed) => {
  const entries = createRandomLog({ seed, events: 300, forks: 0 })
  const whole = new Conversation()
  let start = 0
  for (const [index, entry] of entries.entries()) {
    whole.apply(entry)
    const { event } = entry
    if (event.type === "historyReplaced") start = index
    if (event.type !== "historyCompacted") continue
    const kept = entries.findIndex(({ seq }) => seq === event.keptFromSeq)
    start = entries.findLastIndex(({ event: { type } }, at) => type === "runStarted" && at <= kept)
    if (entries[start - 1]?.event.type === "historyReplaced") start -= 1
  }
  const partial = foldLive(entries.slice(start))
  expect(partial.tasks.open()).toEqual(whole.tasks.open())
})

it("captures a state that later events do not change", () => {
  const conversation = new Conversation()
  const captured: { readonly state: object; readonly text: string }[] = []
  const entries = createRandomLog({ seed: "later", events: 400 })
  for (const index of entries.keys()) {
    applyLive(conversation, entries, index)
    const state = conversation.capture()
    if (state !== null) captured.push({ state, text: JSON.stringify(state) })
  }
  for (const { state, text } of captured) expect(JSON.stringify(state)).toBe(text)
})

/** For each event type: if true, the random logs contain it. The other types do not change a conversation. */
const types: Readonly<Record<Event["type"], boolean>> = {
  budgetExceeded: false,
  compactionFailed: true,
  compactionStarted: true,
  dataEmitted: true,
  historyCompacted: true,
  historyForked: true,
  historyReplaced: true,
  interceptorDecided: false,
  maxTurnsReached: false,
  messageCompleted: true,
  modelCallFailed: true,
  outputRejected: true,
  runCompleted: true,
  runFailed: true,
  runStarted: true,
  runWithdrawn: true,
  runnerStateSaved: true,
  stepCompleted: true,
  stepRetried: true,
  stepStarted: true,
  taskEnded: true,
  taskRegistered: true,
  tasksCollected: true,
  toolCallCompleted: true,
  toolCallInterrupted: true,
  toolCallRequested: true,
  toolCallStarted: true,
  toolResultsShortened: true,
  userMessageAdded: true,
  waitOpened: true,
  waitResolved: true,
}

it("is tested with every type of event that changes a conversation", () => {
  const found = new Set<string>()
  for (const seed of seeds)
    for (const { event } of createRandomLog({ seed, events: 150 })) found.add(event.type)
  const wanted = Object.entries(types).flatMap(([type, isWanted]) => (isWanted ? [type] : []))
  expect([...found].sort()).toEqual(wanted.sort())
})

it("has the recorded digest for this version: another result needs another version", () => {
  const hash = createHash("sha256")
  for (const seed of seeds) {
    const conversation = new Conversation()
    const entries = createRandomLog({ seed, events: 150 })
    for (const index of entries.keys()) {
      applyLive(conversation, entries, index)
      hash.update(JSON.stringify(conversation.capture()))
    }
  }
  expect({ foldVersion, digest: hash.digest("hex").slice(0, 16) }).toEqual({
    foldVersion: 4,
    digest: "c98d905221ef5965",
  })
})
