import { DatabaseSync } from "node:sqlite"
import { setImmediate as nextTurn } from "node:timers/promises"
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { createWriteQueue } from "./write-queue.ts"

let connection: DatabaseSync
let executed: string[]
let held: boolean
let write: ReturnType<typeof createWriteQueue>
beforeEach(() => {
  connection = new DatabaseSync(":memory:")
  connection.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
  executed = []
  held = false
  write = createWriteQueue({
    execute(sql) {
      executed.push(sql)
      connection.exec(sql)
    },
    isOpen: () => connection.isTransaction,
    isHeld: () => held,
    // The clock stands still, so that a slow machine does not affect the test.
    now: () => 0,
  })
})
afterEach(() => connection.close())

const insert = (name: string) => connection.prepare("INSERT INTO item (name) VALUES (?)").run(name)
const names = () =>
  connection
    .prepare("SELECT name FROM item ORDER BY id")
    .all()
    .map(({ name }) => name)

/** Returns the outcomes of the writes: their values, or the messages of their errors. */
async function outcomes(writes: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(writes)
  return settled.map((each) => (each.status === "fulfilled" ? each.value : each.reason.message))
}

test("writes of one turn share a transaction, in the order of their calls", async () => {
  const writes = ["a", "b", "c"].map((name) => write(() => Number(insert(name).lastInsertRowid)))
  expect(await outcomes(writes)).toEqual([1, 2, 3])
  expect(names()).toEqual(["a", "b", "c"])
  expect(executed).toEqual(["BEGIN IMMEDIATE", "COMMIT"])
})

test("a large write has its own transaction", async () => {
  const writes = ["a", "b", "LARGE", "c", "d"].map((name) =>
    write(() => insert(name), { isLarge: name === "LARGE" }),
  )
  await Promise.all(writes)
  expect(names()).toEqual(["a", "b", "LARGE", "c", "d"])
  expect(executed).toEqual(Array.from({ length: 3 }, () => ["BEGIN IMMEDIATE", "COMMIT"]).flat())
})

test("a single write has a transaction and nothing more", async () => {
  await write(() => insert("a"))
  expect(executed).toEqual(["BEGIN IMMEDIATE", "COMMIT"])
})

test("writes resolve after the whole transaction is stored", async () => {
  const told: unknown[] = []
  const writes = ["a", "b"].map((name) => write(() => insert(name)).then(() => told.push(executed.at(-1))))
  await Promise.all(writes)
  expect(told).toEqual(["COMMIT", "COMMIT"])
})

test("a failed write stores nothing, and all others are stored", async () => {
  const writes = [
    write(() => insert("a")),
    write(() => {
      insert("b")
      throw new RangeError("wrong")
    }),
    write(() => insert("c")),
    write(() => insert("a")),
    write(() => insert("d")),
  ]
  expect(await outcomes(writes)).toMatchObject([{}, "wrong", {}, /UNIQUE/, {}])
  expect(names()).toEqual(["a", "c", "d"])
  // After the common transaction failed, each of the other writes has its own.
  expect(executed.filter((sql) => sql === "COMMIT")).toHaveLength(3)
})

test("all writes fail if the commit fails, and the next write works", async () => {
  let full = true
  write = createWriteQueue({
    execute(sql) {
      if (sql === "COMMIT" && full) throw new Error("disk full")
      connection.exec(sql)
    },
    isOpen: () => connection.isTransaction,
    isHeld: () => held,
  })
  expect(await outcomes(["a", "b", "c"].map((name) => write(() => insert(name))))).toEqual(
    Array(3).fill("disk full"),
  )
  expect(names()).toEqual([])
  full = false
  await write(() => insert("d"))
  expect(names()).toEqual(["d"])
})

test("only the write that makes the commit fail fails", async () => {
  connection.exec(`PRAGMA foreign_keys = ON;
    CREATE TABLE part (item INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)`)
  const writes = [
    write(() => insert("a")),
    write(() => connection.exec("INSERT INTO part VALUES (99)")),
    write(() => insert("b")),
  ]
  expect(await outcomes(writes)).toMatchObject([{}, /FOREIGN KEY/, {}])
  expect(names()).toEqual(["a", "b"])
})

test("only the write that makes SQLite roll back the transaction fails", async () => {
  const writes = [
    write(() => insert("a")),
    write(() => {
      connection.exec("ROLLBACK")
      throw new Error("disk full")
    }),
    write(() => insert("b")),
  ]
  expect(await outcomes(writes)).toMatchObject([{}, "disk full", {}])
  expect(names()).toEqual(["a", "b"])
})

test("writes beyond one transaction are stored in several, in order", async () => {
  const all = Array.from({ length: 250 }, (_, index) => `name ${index}`)
  await Promise.all(all.map((name) => write(() => insert(name))))
  expect(names()).toEqual(all)
  expect(executed.filter((sql) => sql === "COMMIT").length).toBeGreaterThan(1)
})

test("a transaction accepts no further write after five milliseconds", async () => {
  let time = 0
  const slowly = createWriteQueue({
    execute(sql) {
      executed.push(sql)
      connection.exec(sql)
    },
    isOpen: () => connection.isTransaction,
    isHeld: () => held,
    now: () => time,
  })
  const writes = ["a", "b", "c", "d", "e"].map((name) =>
    slowly(() => {
      time += 3
      return insert(name)
    }),
  )
  await Promise.all(writes)
  expect(names()).toEqual(["a", "b", "c", "d", "e"])
  expect(executed.filter((sql) => sql === "COMMIT")).toHaveLength(3)
})

/** Replaces the timers of the queue. Returns a function that lets time pass. */
function fakeTimers(): (ms: number) => Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] })
  onTestFinished(() => void vi.useRealTimers())
  return async (ms) => {
    await nextTurn()
    await vi.advanceTimersByTimeAsync(ms)
  }
}

test("writes wait without a time limit for a thread of this process, and try nothing meanwhile", async () => {
  const pass = fakeTimers()
  held = true
  const writes = ["a", "b"].map((name) => write(() => insert(name)))
  await pass(60_000)
  expect(executed).toEqual([])
  held = false
  await pass(100)
  await Promise.all(writes)
  expect(names()).toEqual(["a", "b"])
})

/** Makes a queue whose database is locked by another process as long as `isLocked` returns true. */
function createContestedQueue(isLocked: () => boolean): typeof write {
  return createWriteQueue({
    execute(sql) {
      if (isLocked()) throw Object.assign(new Error("database is locked"), { errcode: 5 })
      connection.exec(sql)
    },
    isOpen: () => connection.isTransaction,
    isHeld: () => held,
  })
}

test("a write fails after two seconds in which another process locked the database", async () => {
  const pass = fakeTimers()
  const contested = createContestedQueue(() => true)
  const writes = outcomes(["a", "b"].map((name) => contested(() => insert(name))))
  await pass(2_100)
  expect(await writes).toEqual(Array(2).fill("The store is unavailable; try again."))
})

test("time in which this process was stalled, or held writes back itself, does not make a write fail", async () => {
  const pass = fakeTimers()
  let locked = true
  const contested = createContestedQueue(() => locked)
  held = true
  const stored = contested(() => insert("a"))
  await pass(10_000)
  held = false
  // The stall: seconds pass, and no timer runs.
  vi.setSystemTime(Date.now() + 10_000)
  await pass(100)
  locked = false
  await pass(100)
  await stored
  expect(names()).toEqual(["a"])
})
