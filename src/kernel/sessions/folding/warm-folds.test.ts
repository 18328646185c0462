import { expect, it } from "vitest"
import { Conversation } from "../../agent/conversation.ts"
import { createRandomLog } from "./fixtures/random-log.ts"
import { SnapshotProgress } from "./snapshot-progress.ts"
import { WarmFolds } from "./warm-folds.ts"

function foldOf(characters: number) {
  const conversation = new Conversation()
  for (const entry of createRandomLog({ seed: "warm", events: 1, longest: characters }))
    conversation.apply(entry)
  return { conversation, progress: new SnapshotProgress(1, null), epoch: 1, lastSeq: 7 }
}

const next = { epoch: 2, lastSeq: 7 }

it("keeps the most recently released folds, within its bytes", () => {
  const warm = new WarmFolds({ maxBytes: 20_000 })
  for (const id of ["a", "b", "c", "d", "e", "f"]) warm.keep(id, foldOf(100))
  expect(warm.bytes).toBeLessThanOrEqual(20_000)
  expect(warm.take("a", next)).toBeNull()
  expect(warm.take("f", next)).not.toBeNull()
  expect(warm.take("f", next)).toBeNull()
})

it("does not keep a fold that takes more than half of its bytes", () => {
  const warm = new WarmFolds({ maxBytes: 100_000 })
  warm.keep("small", foldOf(100))
  warm.keep("large", foldOf(200_000))
  expect(warm.take("large", next)).toBeNull()
  expect(warm.take("small", next)).not.toBeNull()
  expect(warm.bytes).toBe(0)
})

it("counts a fold once, however often it is kept", () => {
  const warm = new WarmFolds()
  warm.keep("a", foldOf(100))
  const { bytes } = warm
  warm.keep("a", foldOf(100))
  expect(warm.bytes).toBe(bytes)
})
