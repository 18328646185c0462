import { expect, it } from "vitest"
import { createLiveMemory, type LiveMemory } from "./live-memory.ts"

const megabyte = 1024 * 1024
const never = new AbortController().signal
const user = (userId: string) => ({ tenant: "tenant", userId })

/** Takes memory for each name, and records the names that have received it. */
function taking(memory: LiveMemory) {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  return {
    started,
    async take(name: string, megabytes: number, { owner = name, signal = never } = {}) {
      const end = await memory.take(user(owner), megabytes * megabyte, signal)
      started.push(name)
      ends.set(name, end)
    },
    end: (name: string) => ends.get(name)?.(),
  }
}

/** Resolves after every waiter that can start has started. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

it("lets sessions start while there is room, and the others in their order", async () => {
  const { started, take, end } = taking(createLiveMemory({ maxBytes: 10 * megabyte }))
  void take("a", 6)
  void take("b", 6)
  void take("c", 2)
  await settled()
  expect(started).toEqual(["a"])
  end("a")
  await settled()
  expect(started).toEqual(["a", "b", "c"])
})

it("lets a small session start even if the memory is full", async () => {
  const { started, take } = taking(createLiveMemory({ maxBytes: megabyte }))
  await take("large", 1)
  await take("small", 0.25)
  expect(started).toEqual(["large", "small"])
})

it("lets a session that is larger than everything start alone", async () => {
  const { started, take, end } = taking(createLiveMemory({ maxBytes: 10 * megabyte }))
  void take("a", 2)
  void take("huge", 60)
  void take("b", 2)
  await settled()
  expect(started).toEqual(["a"])
  end("a")
  await settled()
  expect(started).toEqual(["a", "huge"])
  end("huge")
  await settled()
  expect(started).toEqual(["a", "huge", "b"])
})

it("leaves three quarters to others, even if many sessions of one user wait", async () => {
  const { started, take, end } = taking(createLiveMemory({ maxBytes: 16 * megabyte }))
  for (let count = 0; count < 8; count++) void take(`crowd ${count}`, 2, { owner: "crowd" })
  void take("other", 8)
  await settled()
  expect(started).toEqual(["crowd 0", "crowd 1", "other"])
  end("crowd 0")
  await settled()
  expect(started.at(-1)).toBe("crowd 2")
})

it("forgets a session that stops waiting, and those behind it continue", async () => {
  const { started, take } = taking(createLiveMemory({ maxBytes: 10 * megabyte }))
  const stop = new AbortController()
  void take("a", 6)
  const leaving = take("b", 9, { signal: stop.signal })
  void take("c", 4)
  await settled()
  expect(started).toEqual(["a"])
  stop.abort(new Error("stopped"))
  await expect(leaving).rejects.toThrow("stopped")
  await settled()
  expect(started).toEqual(["a", "c"])
})

it("counts memory once that is released twice", async () => {
  const memory = createLiveMemory({ maxBytes: 4 * megabyte })
  const end = await memory.take(user("a"), megabyte, never)
  end()
  end()
  const { started, take } = taking(memory)
  void take("b", 4)
  void take("c", 1)
  await settled()
  expect(started).toEqual(["b"])
})
