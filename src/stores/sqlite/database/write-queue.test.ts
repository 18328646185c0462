import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createWriteQueue } from "./write-queue.ts"

let connection: DatabaseSync
let executed: string[]
let write: ReturnType<typeof createWriteQueue>
beforeEach(() => {
  connection = new DatabaseSync(":memory:")
  connection.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
  executed = []
  write = createWriteQueue({
    execute(sql) {
      executed.push(sql)
      connection.exec(sql)
    },
    isOpen: () => connection.isTransaction,
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
