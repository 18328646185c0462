import { setImmediate as nextTurn } from "node:timers/promises"
import { expect, it } from "vitest"
import type { Entry, Event } from "../core/entries.ts"
import { createPacer } from "../core/pacer.ts"
import type { SessionLog } from "../core/ports/session-log.ts"
import { ReadQueue, type ReadQueueOptions } from "./read-queue.ts"

const never = new AbortController().signal
const from = { afterSeq: 0, limit: 1 }

/** A log whose reads are under way until they are answered, and the order in which they began. */
function openQueue(options: ReadQueueOptions = {}) {
  const begun: string[] = []
  const answers: (() => void)[] = []
  const read: SessionLog["read"] = (sessionId) => {
    begun.push(sessionId)
    return new Promise((resolve) => answers.push(() => resolve([])))
  }
  const queue = new ReadQueue({ read } as SessionLog, options)
  return {
    begun,
    answerAll: () => {
      for (const answer of answers.splice(0)) answer()
    },
    read: (key: string, name: string, more: { signal?: AbortSignal; isRun?: boolean } = {}) =>
      queue.read({ key, signal: never, ...more }, name, from),
  }
}

it("reads so many at once, and readers with other keys come before a key's next read", async () => {
  const { begun, answerAll, read } = openQueue({ maxConcurrent: 1, turnMs: Number.POSITIVE_INFINITY })
  const reads = ["hog 1", "hog 2", "hog 3"].map((name) => read("hog", name))
  reads.push(read("other", "other 1"), read("third", "third 1"))
  for (let turn = 0; turn < reads.length; turn++) {
    await nextTurn()
    expect(begun).toHaveLength(turn + 1)
    answerAll()
  }
  await Promise.all(reads)
  expect(begun).toEqual(["hog 1", "hog 2", "other 1", "third 1", "hog 3"])
})

it("leaves the rest of a turn to others once its reads have taken their time", async () => {
  let now = 0
  const { begun, answerAll, read } = openQueue({ turnMs: 4, now: () => now })
  const reads = ["a", "b"].map((name) => read("hog", name))
  now = 4
  reads.push(read("hog", "c"))
  answerAll()
  await Promise.resolve()
  expect(begun).toEqual(["a", "b"])
  await nextTurn()
  expect(begun).toEqual(["a", "b", "c"])
  answerAll()
  await Promise.all(reads)
})

it("forgets a reader that goes away while it waits", async () => {
  const { begun, answerAll, read } = openQueue({ maxConcurrent: 1 })
  const leaving = new AbortController()
  const first = read("hog", "first")
  const gone = read("hog", "gone", { signal: leaving.signal })
  leaving.abort()
  expect(await gone).toBeNull()
  expect(await read("hog", "never there", { signal: leaving.signal })).toBeNull()
  answerAll()
  await first
  await nextTurn()
  expect(begun).toEqual(["first"])
})

it("refuses readers once too many wait, and no run", async () => {
  const { begun, answerAll, read } = openQueue({ maxConcurrent: 1, maxWaiting: 1 })
  const reads = [read("hog", "a"), read("hog", "b")]
  await expect(read("other", "c")).rejects.toMatchObject({
    code: "server_busy",
    status: 503,
    retryable: true,
  })
  reads.push(read("other", "run", { isRun: true }))
  for (const _ of reads) {
    await nextTurn()
    answerAll()
  }
  await Promise.all(reads)
  expect(begun).toEqual(["a", "b", "run"])
})

it("goes on after a read that fails", async () => {
  const read: SessionLog["read"] = (sessionId) =>
    sessionId === "bad" ? Promise.reject(new Error("down")) : Promise.resolve([])
  const queue = new ReadQueue({ read } as SessionLog, { maxConcurrent: 1 })
  const reader = { key: "key", signal: never }
  const bad = queue.read(reader, "bad", from)
  const good = queue.read(reader, "good", from)
  await expect(bad).rejects.toThrow("down")
  expect(await good).toEqual([])
})

it("makes a key pause after an expensive page, and no other key", async () => {
  const text = "x".repeat(4_000_000)
  const event = { type: "runStarted", content: [{ type: "text", text }] } as unknown as Event
  const entry: Entry = { kind: "event", seq: 1, v: 1, at: 0, runId: "run", event }
  let now = 0
  const pacer = createPacer({ share: 0.5, burstMs: 0, now: () => now })
  const read: SessionLog["read"] = () => Promise.resolve([entry])
  const queue = new ReadQueue({ read } as SessionLog, { pacer, turnMs: Number.POSITIVE_INFINITY })
  const ended: string[] = []
  const readOf = (key: string) =>
    queue.read({ key, signal: never }, key, from).then(() => void ended.push(key))
  await readOf("hog")
  const second = readOf("hog")
  await nextTurn()
  await readOf("other")
  expect(ended).toEqual(["hog", "other"])
  expect(pacer.waitMs("hog")).toBeGreaterThan(50)
  now += pacer.waitMs("hog")
  await second
  expect(ended).toEqual(["hog", "other", "hog"])
})
