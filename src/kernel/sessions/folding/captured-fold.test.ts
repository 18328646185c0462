import { createHash } from "node:crypto"
import { expect, it } from "vitest"
import type { Event, EventEntry } from "../../../core/log/entries.ts"
import { Conversation } from "../../agent/conversation.ts"
import { describeConversation } from "./fixtures/describe-conversation.ts"
import { createRandomLog } from "./fixtures/random-log.ts"
import { foldVersion } from "./snapshot-form.ts"

const seeds = Array.from({ length: 60 }, (_, index) => `log ${index}`)

function foldOf(entries: readonly EventEntry[]): Conversation {
  const conversation = new Conversation()
  for (const entry of entries) conversation.apply(entry)
  return conversation
}

it.each(seeds)("continues from any captured state like from the start, byte for byte (%s)", (seed) => {
  const entries = createRandomLog({ seed, events: 150 })
  const expected = describeConversation(foldOf(entries))
  const conversation = new Conversation()
  let captures = 0
  for (const [index, entry] of entries.entries()) {
    conversation.apply(entry)
    const state = conversation.capture()
    const { last } = conversation.progress
    if (state === null || last === null) continue
    captures += 1
    const restored = Conversation.restore(JSON.parse(JSON.stringify(state)), last)
    expect(describeConversation(restored)).toBe(describeConversation(conversation))
    for (const later of entries.slice(index + 1)) restored.apply(later)
    expect(describeConversation(restored)).toBe(expected)
  }
  expect(captures).toBeGreaterThan(10)
})

it.each(seeds)("has the same open tasks if it starts at a summary (%s)", (seed) => {
  const entries = createRandomLog({ seed, events: 300 })
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
  const partial = foldOf(entries.slice(start))
  expect(partial.tasks.open()).toEqual(whole.tasks.open())
})

it("captures a state that later events do not change", () => {
  const conversation = new Conversation()
  const captured: { readonly state: object; readonly text: string }[] = []
  for (const entry of createRandomLog({ seed: "later", events: 400 })) {
    conversation.apply(entry)
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
    for (const entry of createRandomLog({ seed, events: 150 })) {
      conversation.apply(entry)
      hash.update(JSON.stringify(conversation.capture()))
    }
  }
  expect({ foldVersion, digest: hash.digest("hex").slice(0, 16) }).toEqual({
    foldVersion: 3,
    digest: "3fbc1a0eafc4ec50",
  })
})
