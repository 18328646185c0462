import { expect, it } from "vitest"
import { decideRepeatedMessage, toIdempotencyColumns } from "./idempotency.ts"
import type { Receiver } from "./put-rules.ts"

const receiver: Receiver = {
  open: null,
  isRevoked: false,
  lastSeq: 7,
  storedBytes: 0,
  rows: [],
  now: 1_000,
}
const known = { id: "run_1", cursor: 5, body_hash: "hash" }

it("resolves a repeated message to the run of the first one", () => {
  expect(decideRepeatedMessage({ key: "key", bodyHash: "hash" }, known, receiver)).toEqual({
    status: "duplicate",
    runId: "run_1",
    cursor: 5,
  })
})

it("returns the queue position of a run that still waits", () => {
  const row = { id: 9, runId: "run_1", type: "message", rank: 0, notBefore: 0, dueAt: null }
  const open = { runId: "run_open", cursor: 3, steerable: true }
  const outcome = decideRepeatedMessage({ key: "key", bodyHash: "hash" }, known, {
    ...receiver,
    open,
    rows: [row],
  })
  expect(outcome).toMatchObject({ status: "duplicate", runId: "run_1", position: 1 })
})

it("refuses the key of another body", () => {
  expect(decideRepeatedMessage({ key: "key", bodyHash: "other" }, known, receiver)).toEqual({
    status: "keyReused",
  })
})

it("stores no key for a message without one", () => {
  expect(toIdempotencyColumns(null)).toEqual({ key: null, hash: null })
  expect(toIdempotencyColumns({ key: "key", bodyHash: "hash" })).toEqual({ key: "key", hash: "hash" })
})
