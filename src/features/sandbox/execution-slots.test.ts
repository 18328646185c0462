import { setImmediate } from "node:timers/promises"
import { expect, test } from "vitest"
import { createSlots, type SlotLimits, type Slots } from "./execution-slots.ts"

const never = new AbortController().signal

const slotsOf = (limits: Partial<SlotLimits>) =>
  createSlots({ maxConcurrent: 16, maxConcurrentPerUser: 16, maxQueued: 1_000, ...limits })

const sessionOf = (id: string, userId = id, tenant = "tenant") => ({ id, tenant, userId })

test("requests beyond the capacity wait in order, and an aborted one is skipped", async () => {
  const slots = slotsOf({ maxConcurrent: 1 })
  const session = sessionOf("a")
  const giveBack = await slots.take(session, never)
  const order: string[] = []
  const stop = new AbortController()
  const waiting = [
    slots.take(session, stop.signal).catch((error: Error) => order.push(error.message)),
    slots.take(session, never).then((back) => [order.push("second"), back()]),
    slots.take(session, never).then((back) => [order.push("third"), back()]),
  ]
  stop.abort(new Error("aborted"))
  giveBack()
  giveBack()
  await Promise.all(waiting)
  expect(order).toEqual(["aborted", "second", "third"])
  const again = await slots.take(session, never)
  let taken = false
  const next = slots.take(session, never).then(() => {
    taken = true
  })
  await Promise.resolve()
  expect(taken).toBe(false)
  again()
  await next
})

/** Requests slots, and returns the list of slots it holds. The list grows as further slots are received. */
async function heldBy(slots: Slots, session: ReturnType<typeof sessionOf>, asks: number) {
  const back: (() => void)[] = []
  for (let ask = 0; ask < asks; ask++) void slots.take(session, never).then((giveBack) => back.push(giveBack))
  await setImmediate()
  return back
}

test("one session has at most a quarter of the slots, and other sessions pass it", async () => {
  const slots = slotsOf({ maxConcurrent: 16 })
  const greedy = await heldBy(slots, sessionOf("greedy"), 20)
  expect(greedy).toHaveLength(4)
  const others = await Promise.all(["b", "c", "d", "e"].map((id) => heldBy(slots, sessionOf(id), 3)))
  expect(others.map(({ length }) => length)).toEqual([3, 3, 3, 3])
  const late = await heldBy(slots, sessionOf("late"), 1)
  expect(late).toHaveLength(0)
  greedy[0]?.()
  await setImmediate()
  expect([greedy.length, late.length]).toEqual([5, 0])
  others[0]?.[0]?.()
  await setImmediate()
  expect([greedy.length, late.length]).toEqual([5, 1])
})

test("with few slots, each session still gets one, and a session that returned all has its full share again", async () => {
  const slots = slotsOf({ maxConcurrent: 2 })
  for (let round = 0; round < 3; round++) {
    const [first, second] = [await heldBy(slots, sessionOf("a"), 2), await heldBy(slots, sessionOf("b"), 1)]
    expect([first.length, second.length]).toEqual([1, 1])
    first[0]?.()
    await setImmediate()
    expect(first).toHaveLength(2)
    first[1]?.()
    second[0]?.()
  }
})

test("one user has at most a share over all sessions, and other users have the rest", async () => {
  const slots = slotsOf({ maxConcurrentPerUser: 8 })
  const sessions = Array.from({ length: 10 }, (_, index) => sessionOf(`greedy-${index}`, "greedy"))
  const greedy = (await Promise.all(sessions.map((session) => heldBy(slots, session, 4)))).flat()
  expect(greedy).toHaveLength(8)
  expect(await heldBy(slots, sessionOf("other"), 4)).toHaveLength(4)
  // Users of different tenants are different, even with the same name.
  expect(await heldBy(slots, sessionOf("third", "greedy", "another tenant"), 3)).toHaveLength(3)
})

test("the last slot is for a user without one, even if many users share the others", async () => {
  const slots = slotsOf({ maxConcurrentPerUser: 8 })
  const heldByUser = async (user: string) => {
    const sessions = Array.from({ length: 4 }, (_, index) => sessionOf(`${user}-${index}`, user))
    return (await Promise.all(sessions.map((session) => heldBy(slots, session, 4)))).flat()
  }
  const first = await heldByUser("a")
  expect([first.length, (await heldByUser("b")).length]).toEqual([8, 7])
  expect(await heldByUser("c")).toHaveLength(1)
  // The returned slot becomes the kept one.
  first[0]?.()
  await setImmediate()
  expect(await heldByUser("d")).toHaveLength(1)
})

test("the last place of the queue is for a user who has none", async () => {
  const slots = slotsOf({ maxConcurrent: 1, maxQueued: 8 })
  await slots.take(sessionOf("first"), never)
  const stop = new AbortController()
  const ask = (user: string, tenant: string) =>
    slots
      .take(sessionOf(user, user, tenant), stop.signal)
      .catch((error: { readonly code?: string }) => error.code)
  const waiting = ["a", "a", "b", "b", "c", "c"].map((user) => ask(user, "crowd"))
  expect(await waiting.at(-1)).toBe("code_execution_busy")
  waiting.push(ask("d", "crowd"))
  expect(await ask("e", "crowd")).toBe("code_execution_busy")
  waiting.push(ask("z", "zoo"))
  expect(await ask("z", "zoo")).toBe("code_execution_busy")
  const last = ask("new", "another")
  await expect(Promise.race([last, Promise.resolve("waits")])).resolves.toBe("waits")
  stop.abort({ code: "stopped" })
  expect(await Promise.all([...waiting, last])).toContain("stopped")
})

test("users with waiting executions take turns, whatever number one of them has", async () => {
  const slots = slotsOf({ maxConcurrent: 4, maxConcurrentPerUser: 4 })
  const order: string[] = []
  const backs: (() => void)[] = []
  const ask = (user: string, count: number) => {
    for (let index = 0; index < count; index += 1) {
      void slots.take(sessionOf(`${user}-${index}`, user), never).then((back) => {
        order.push(user)
        backs.push(back)
      })
    }
  }
  ask("a", 10)
  await setImmediate()
  ask("b", 3)
  ask("c", 1)
  while (order.length < 14) {
    backs.shift()?.()
    await setImmediate()
  }
  expect(order.join("")).toBe("aaaa" + "abcabab" + "aaa")
})

test("tenants take turns before their users do, even if many users of one tenant wait", async () => {
  const slots = slotsOf({ maxConcurrent: 2 })
  const order: string[] = []
  const backs: (() => void)[] = []
  const ask = (tenant: string, user: string) =>
    void slots.take(sessionOf(`${tenant}-${user}`, user, tenant), never).then((back) => {
      order.push(user)
      backs.push(back)
    })
  for (const user of ["a", "b", "c", "d", "e"]) ask("crowd", user)
  await setImmediate()
  for (const user of ["y", "z"]) ask("zoo", user)
  while (order.length < 7) {
    backs.shift()?.()
    await setImmediate()
  }
  expect(order.join("")).toBe("ab" + "cydze")
})

test("users of one tenant fill at most three quarters of the queue", async () => {
  const slots = slotsOf({ maxConcurrent: 1, maxQueued: 8 })
  await slots.take(sessionOf("first"), never)
  const stop = new AbortController()
  const outcomes = ["a", "a", "b", "b", "c", "d", "e"].map((user) =>
    slots.take(sessionOf(user), stop.signal).catch((error: { readonly code?: string }) => error.code),
  )
  expect(await outcomes.at(-1)).toBe("code_execution_busy")
  const other = slots.take(sessionOf("zoe", "zoe", "zoo"), stop.signal)
  other.catch(() => {})
  await expect(Promise.race([other, Promise.resolve("waits")])).resolves.toBe("waits")
  stop.abort(new Error("enough"))
  await Promise.all(outcomes)
})

test("a full queue refuses at once, and one user fills at most a quarter of it", async () => {
  const slots = slotsOf({ maxConcurrent: 1, maxQueued: 8 })
  await slots.take(sessionOf("first"), never)
  const refused = { code: "code_execution_busy", status: 503, retryable: true }
  const stop = new AbortController()
  const wait = (user: string, tenant = `tenant of ${user}`) => {
    const waiting = slots.take(sessionOf(user, user, tenant), stop.signal)
    waiting.catch(() => {})
    return waiting
  }
  for (const user of ["a", "b", "c"]) {
    void wait(user)
    void wait(user)
    await expect(wait(user)).rejects.toMatchObject(refused)
  }
  void wait("d")
  void wait("e")
  await expect(wait("f")).rejects.toMatchObject(refused)
  stop.abort(new Error("enough"))
  const late = slots.take(sessionOf("e"), never)
  await expect(Promise.race([late, Promise.resolve("waits")])).resolves.toBe("waits")
})
