import { expect, it } from "vitest"
import { type Asker, createAskers } from "./askers.ts"

function asker(id: string): Asker {
  return { session: { id }, ask: () => Promise.reject(new Error("Nobody is asked.")) }
}

function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { call: () => promise, end: resolve }
}

it("finds the oldest call of the only session that has any", async () => {
  const askers = createAskers()
  const [first, second] = [asker("a"), asker("a")]
  const [one, two] = [held(), held()]
  expect(askers.current()).toBeNull()
  const calls = [askers.during(first, one.call), askers.during(second, two.call)]
  expect(askers.current()).toBe(first)
  one.end()
  await calls[0]
  expect(askers.current()).toBe(second)
  two.end()
  await calls[1]
  expect(askers.current()).toBeNull()
})

it("finds none while calls of several sessions are in flight", async () => {
  const askers = createAskers()
  const [one, two] = [held(), held()]
  const calls = [askers.during(asker("a"), one.call), askers.during(asker("b"), two.call)]
  expect(askers.current()).toBeNull()
  one.end()
  two.end()
  await Promise.all(calls)
})

it("finds the call in whose context the question is asked, as long as that call is in flight", async () => {
  const askers = createAskers()
  const [mine, other, late] = [asker("a"), held(), held()]
  const others = askers.during(asker("b"), other.call)
  let after: Promise<Asker | null> | undefined
  const found = await askers.during(mine, async () => {
    after = late.call().then(() => askers.current())
    return askers.current()
  })
  expect(found).toBe(mine)
  late.end()
  expect(await after).toBeNull()
  other.end()
  await others
})
