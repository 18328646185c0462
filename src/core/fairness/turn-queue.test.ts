import { expect, it } from "vitest"
import type { Principal } from "../ports/store/session-log.ts"
import { createTurnQueue, type TurnQueue } from "./turn-queue.ts"

const owner = (tenant: string, userId = "ann"): Principal => ({ tenant, userId })

function takeAll(queue: TurnQueue<string>, mayHaveTurn?: (owner: Principal) => boolean): readonly string[] {
  const names: string[] = []
  for (let next = queue.take(mayHaveTurn); next !== null; next = queue.take(mayHaveTurn)) names.push(next)
  return names
}

/** Returns how many items the queue accepts from the owner, of this number. */
function fill(queue: TurnQueue<string>, from: Principal, items: number): number {
  const names = Array.from({ length: items }, (_, index) => `${from.tenant}/${from.userId}/${index}`)
  return names.filter((name) => queue.add(from, name)).length
}

it("gives each tenant a turn, and each user a turn within the tenant", () => {
  const queue = createTurnQueue<string>(100)
  queue.add(owner("a", "1"), "a1")
  queue.add(owner("a", "1"), "a1 again")
  queue.add(owner("a", "2"), "a2")
  queue.add(owner("b"), "b")
  expect(takeAll(queue)).toEqual(["a1", "b", "a2", "a1 again"])
})

it("gives a tenant no further turn for a user who comes while others wait", () => {
  const queue = createTurnQueue<string>(100)
  for (const item of ["a1", "a1 again"]) queue.add(owner("a", "1"), item)
  for (const item of ["b", "b again"]) queue.add(owner("b"), item)
  expect(queue.take()).toBe("a1")
  queue.add(owner("a", "2"), "a2")
  expect(takeAll(queue)).toEqual(["b", "a1 again", "b again", "a2"])
})

it("passes over owners who may not have a turn", () => {
  const queue = createTurnQueue<string>(100)
  queue.add(owner("a"), "a")
  queue.add(owner("b"), "b")
  expect(takeAll(queue, ({ tenant }) => tenant === "b")).toEqual(["b"])
  expect(takeAll(queue)).toEqual(["a"])
})

it("leaves places for others, however many items one user, one tenant or several tenants add", () => {
  const queue = createTurnQueue<string>(100)
  expect(fill(queue, owner("a", "1"), 200)).toBe(25)
  for (const user of ["2", "3", "4"]) fill(queue, owner("a", user), 200)
  // The last places of the tenant are for its users without an item.
  expect(fill(queue, owner("a", "4"), 1)).toBe(0)
  expect(fill(queue, owner("a", "5"), 1)).toBe(1)
  expect(fill(queue, owner("b"), 200)).toBe(21)
  expect(fill(queue, owner("c"), 2)).toBe(1)
})

it("has room again after items were taken or removed", () => {
  const queue = createTurnQueue<string>(4)
  expect(queue.add(owner("a"), "first")).toBe(true)
  expect(queue.add(owner("a"), "second")).toBe(false)
  queue.remove(owner("a"), "first")
  queue.remove(owner("a"), "first")
  queue.remove(owner("b"), "first")
  expect(queue.add(owner("a"), "second")).toBe(true)
  expect(takeAll(queue)).toEqual(["second"])
  expect(queue.add(owner("a"), "first")).toBe(true)
})
