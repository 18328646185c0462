import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { holdMemory } from "./hold-memory.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Memory for one reader, which records when it is taken and given back. */
function createMemory() {
  const events: string[] = []
  return {
    events,
    take: async () => {
      events.push("taken")
      return () => void events.push("given back")
    },
  }
}

async function* listParts(events: string[]): AsyncGenerator<number> {
  try {
    for (const part of [1, 2]) {
      events.push(`read ${part}`)
      yield part
    }
  } finally {
    events.push("closed")
  }
}

async function collect(parts: AsyncIterable<number>): Promise<readonly number[]> {
  const collected: number[] = []
  for await (const part of parts) collected.push(part)
  return collected
}

it("holds the memory from before the first part until after the last one", async () => {
  const { events, take } = createMemory()
  for await (const part of holdMemory(listParts(events), take)) events.push(`used ${part}`)
  expect(events).toEqual(["taken", "read 1", "used 1", "read 2", "used 2", "closed", "given back"])
})

it("gives the memory back if the reader leaves early or a part fails", async () => {
  const left = createMemory()
  for await (const _ of holdMemory(listParts(left.events), left.take)) break
  expect(left.events).toEqual(["taken", "read 1", "given back", "closed"])

  const failed = createMemory()
  const failing = (async function* (): AsyncGenerator<number> {
    yield 1
    throw new Error("store gone")
  })()
  await expect(collect(holdMemory(failing, failed.take))).rejects.toThrow("store gone")
  expect(failed.events).toEqual(["taken", "given back"])
})

it("reads nothing for a reader that leaves while it waits for memory", async () => {
  const events: string[] = []
  expect(await collect(holdMemory(listParts(events), async () => null))).toEqual([])
  expect(events).toEqual([])
})

it("gives the memory back while a reader is slow, and takes it again for the next part", async () => {
  const { events, take } = createMemory()
  const parts = holdMemory(listParts(events), take)
  await parts.next()
  vi.advanceTimersByTime(999)
  expect(events).toEqual(["taken", "read 1"])
  vi.advanceTimersByTime(1)
  expect(events).toEqual(["taken", "read 1", "given back"])
  await parts.next()
  expect(events.slice(3)).toEqual(["taken", "read 2"])
  await parts.return(undefined)
  expect(events.slice(5)).toEqual(["given back", "closed"])
  expect(vi.getTimerCount()).toBe(0)
})
