import { setImmediate as nextTurn } from "node:timers/promises"
import { expect, it } from "vitest"
import { createPacer } from "../../../core/fairness/pacer.ts"
import type { Entry, Event } from "../../../core/log/entries.ts"
import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { ReadQueue, type ReadQueueOptions } from "./read-queue.ts"

const never = new AbortController().signal
const from = { afterSeq: 0, limit: 1 }

/**
 * Opens a queue over a log whose reads stay pending until the test answers them. Records the order in which reads
 * start.
 */
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
    read: (user: string, name: string, more: { signal?: AbortSignal; isRun?: boolean } = {}) =>
      queue.read({ principal: userOf(user), signal: never, ...more }, name, from),
  }
}

/** Returns a user. A name with a slash contains the tenant before the slash. */
function userOf(name: string) {
  const [userId = "", tenant = "tenant"] = name.split("/").reverse()
  return { tenant, userId }
}

it("runs a limited number of reads at once, and other users come before a user's next read", async () => {
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

it("tenants take turns before their users do, even if many users read for one of them", async () => {
  const { begun, answerAll, read } = openQueue({ maxConcurrent: 1, turnMs: Number.POSITIVE_INFINITY })
  const reads = ["crowd/a", "crowd/b", "crowd/c", "crowd/d"].map((user) => read(user, user))
  reads.push(read("zoo/y", "zoo/y"), read("zoo/z", "zoo/z"))
  for (const _ of reads) {
    await nextTurn()
    answerAll()
  }
  await Promise.all(reads)
  expect(begun).toEqual(["crowd/a", "crowd/b", "zoo/y", "crowd/c", "zoo/z", "crowd/d"])
})

it("leaves the rest of a turn to others after its time", async () => {
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

it("forgets a reader that disconnects while it waits", async () => {
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

it("refuses readers beyond the maximum number of waiting ones, and never a run", async () => {
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

it("continues after a failed read", async () => {
  const read: SessionLog["read"] = (sessionId) =>
    sessionId === "bad" ? Promise.reject(new Error("down")) : Promise.resolve([])
  const queue = new ReadQueue({ read } as SessionLog, { maxConcurrent: 1 })
  const reader = { principal: userOf("ada"), signal: never }
  const bad = queue.read(reader, "bad", from)
  const good = queue.read(reader, "good", from)
  await expect(bad).rejects.toThrow("down")
  expect(await good).toEqual([])
})

it("delays a user after an expensive page, and no other user", async () => {
  const text = "x".repeat(4_000_000)
  const event = { type: "runStarted", content: [{ type: "text", text }] } as unknown as Event
  const entry: Entry = { kind: "event", seq: 1, v: 1, at: 0, runId: "run", event }
  let now = 0
  const pacer = createPacer({ share: 0.5, burstMs: 0, now: () => now })
  const read: SessionLog["read"] = () => Promise.resolve([entry])
  const queue = new ReadQueue({ read } as SessionLog, { pacer, turnMs: Number.POSITIVE_INFINITY })
  const ended: string[] = []
  const readOf = (user: string) =>
    queue.read({ principal: userOf(user), signal: never }, user, from).then(() => void ended.push(user))
  await readOf("hog")
  const second = readOf("hog")
  await nextTurn()
  await readOf("other")
  expect(ended).toEqual(["hog", "other"])
  const pauseMs = pacer.waitMs(userOf("hog"))
  expect(pauseMs).toBeGreaterThan(50)
  now += pauseMs
  await second
  expect(ended).toEqual(["hog", "other", "hog"])
})
