import { expect, it } from "vitest"
import type { Revocations } from "../../core/ports/store/revocations.ts"
import { rememberRevocations } from "./remember-revocations.ts"

const ada = { tenant: "key_1", userId: "ada" }

function openStore() {
  let stored = 0
  let reads = 0
  const store: Revocations = {
    validAfter: async () => {
      reads += 1
      return stored
    },
    revoke: async () => ++stored,
  }
  return { store, reads: () => reads }
}

it("reads the time of a principal once in five seconds", async () => {
  const { store, reads } = openStore()
  let time = 0
  const remembered = rememberRevocations(store, () => time)
  await store.revoke(ada)
  expect([await remembered.recent(ada), await remembered.recent(ada)]).toEqual([1, 1])
  await store.revoke(ada)
  time = 4_999
  expect(await remembered.recent(ada)).toBe(1)
  time = 5_000
  expect(await remembered.recent(ada)).toBe(2)
  expect(reads()).toBe(2)
})

it("knows the changes of its own process at once, and asks anew when a token is issued", async () => {
  const { store } = openStore()
  const remembered = rememberRevocations(store, () => 0)
  expect(await remembered.recent(ada)).toBe(0)
  expect(await remembered.revoke(ada)).toBe(1)
  expect(await remembered.recent(ada)).toBe(1)
  await store.revoke(ada)
  expect(await remembered.validAfter(ada)).toBe(2)
  expect(await remembered.recent(ada)).toBe(2)
})

it("never goes back to an earlier time, though replies overtake each other", async () => {
  const replies = [Promise.withResolvers<number>()]
  const remembered = rememberRevocations(
    { validAfter: () => replies[0]?.promise ?? Promise.resolve(0), revoke: async () => 7 },
    () => 0,
  )
  const late = remembered.recent(ada)
  await remembered.revoke(ada)
  replies[0]?.resolve(0)
  expect(await late).toBe(7)
  expect(await remembered.recent(ada)).toBe(7)
})

it("passes on the error of a store that is away", async () => {
  const away = () => Promise.reject(new Error("away"))
  await expect(rememberRevocations({ validAfter: away, revoke: away }).recent(ada)).rejects.toThrow("away")
})
