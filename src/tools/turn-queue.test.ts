import { expect, it } from "vitest"
import { createTurnQueue, type Queued } from "./turn-queue.ts"

interface Item extends Queued {
  readonly name: string
}

function queueOf(items: readonly Item[], limits = { maxEntries: 100, maxCharacters: 1_000 }) {
  const queue = createTurnQueue<Item>(limits)
  return { queue, added: items.map((item) => queue.add(item)) }
}

const item = (source: string, member: string, name: string, size = 1): Item => ({
  source,
  member,
  name,
  size,
})

function namesOf(queue: ReturnType<typeof queueOf>["queue"], mayRun = (_source: string) => true) {
  const names: string[] = []
  for (let next = queue.take(mayRun); next !== null; next = queue.take(mayRun)) names.push(next.name)
  return names
}

it("gives each source a turn, and each member a turn within its source", () => {
  const { queue } = queueOf([
    item("a", "1", "a1"),
    item("a", "1", "a1 again"),
    item("a", "2", "a2"),
    item("b", "1", "b1"),
  ])
  expect(namesOf(queue)).toEqual(["a1", "b1", "a2", "a1 again"])
})

it("skips sources that may not run", () => {
  const { queue } = queueOf([item("a", "1", "a1"), item("b", "1", "b1")])
  expect(namesOf(queue, (source) => source === "b")).toEqual(["b1"])
  expect(namesOf(queue)).toEqual(["a1"])
})

it("bounds entries and characters, half of each for one source", () => {
  const entries = queueOf([item("a", "1", "1"), item("a", "2", "2"), item("b", "1", "3")], {
    maxEntries: 2,
    maxCharacters: 1_000,
  })
  expect(entries.added).toEqual([true, false, true])
  const characters = queueOf([item("a", "1", "1", 60), item("a", "1", "2", 50), item("b", "1", "3", 50)], {
    maxEntries: 100,
    maxCharacters: 100,
  })
  expect(characters.added).toEqual([false, true, true])
  expect(characters.queue.add(item("c", "1", "4"))).toBe(false)
})

it("has room again after entries were taken or removed", () => {
  const { queue } = queueOf([], { maxEntries: 2, maxCharacters: 1_000 })
  const [first, second] = [item("a", "1", "first"), item("a", "1", "second")]
  expect(queue.add(first)).toBe(true)
  queue.remove(first)
  queue.remove(first)
  expect(queue.add(second)).toBe(true)
  expect(namesOf(queue)).toEqual(["second"])
  expect(queue.add(first)).toBe(true)
})
