import { expect, test, vi } from "vitest"
import type { Workspace } from "../workspace/workspaces.ts"
import type { WarmContainer } from "./warm-container.ts"
import { createWarmPool } from "./warm-pool.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const workspace = (sessionId: string): Workspace => ({ sessionId, path: `/${sessionId}`, owner: null })

/** Creates containers that consist only of a name, and records which of them exist. */
function fakes(capacity: number) {
  const there = new Set<string>()
  const ends = new Map<string, () => void>()
  let count = 0
  const warmPool = createWarmPool({
    capacity,
    logger,
    async start({ sessionId }) {
      count += 1
      const name = `${sessionId}-${count}`
      there.add(name)
      const stopped = new Promise<number>((resolve) => ends.set(name, () => resolve(0)))
      const remove = async () => void there.delete(name)
      return { name, stopped, remove } as unknown as WarmContainer & { readonly name: string }
    },
  })
  const take = async (sessionId: string) => {
    return ((await warmPool.take(workspace(sessionId))) as WarmContainer & { readonly name: string }).name
  }
  return {
    warmPool,
    there,
    ends,
    take,
    prepare: (sessionId: string) => warmPool.prepare(workspace(sessionId)),
  }
}

test("a session receives its waiting container once, and no other session receives it", async () => {
  const { take, prepare } = fakes(2)
  prepare("a")
  prepare("a")
  expect(await take("b")).toBe("b-2")
  expect(await take("a")).toBe("a-1")
  expect(await take("a")).toBe("a-3")
})

test("the sessions with a waiting container are known", async () => {
  const { warmPool, take, prepare } = fakes(2)
  for (const sessionId of ["a", "b"]) prepare(sessionId)
  expect(warmPool.sessions()).toEqual(["a", "b"])
  await take("a")
  expect(warmPool.sessions()).toEqual(["b"])
})

test("the container that has waited longest makes room", async () => {
  const { take, prepare, there } = fakes(2)
  for (const sessionId of ["a", "b", "c"]) prepare(sessionId)
  await vi.waitFor(() => expect([...there]).toEqual(["b-2", "c-3"]))
  expect(await take("b")).toBe("b-2")
})

test("a container that ended while it waited is not used, and its end affects no other", async () => {
  const { take, prepare, there, ends } = fakes(2)
  prepare("a")
  ends.get("a-1")?.()
  await vi.waitFor(() => expect(there.size).toBe(0))
  expect(await take("a")).toBe("a-2")
  prepare("a")
  ends.get("a-2")?.()
  await Promise.resolve()
  expect(await take("a")).toBe("a-3")
})

test("closing removes all waiting containers, and no new one is created", async () => {
  const { warmPool, prepare, there } = fakes(2)
  prepare("a")
  await warmPool.close()
  prepare("b")
  expect(there.size).toBe(0)
})
