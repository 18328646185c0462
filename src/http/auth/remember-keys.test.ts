import { beforeEach, expect, it, vi } from "vitest"
import { createFakeKeyring } from "../fixtures/fake-keyring.ts"
import { rememberKeys } from "./remember-keys.ts"

let time: number
let store: ReturnType<typeof createFakeKeyring>
let keyring: ReturnType<typeof rememberKeys>
beforeEach(() => {
  time = 0
  store = createFakeKeyring()
  keyring = rememberKeys(store, () => time)
})

it("reads a key from the store once in five seconds", async () => {
  const signing = vi.spyOn(store, "signingKey")
  for (time of [0, 100, 4_999]) {
    expect(await keyring.key("key_1")).toMatchObject({ id: "key_1" })
    expect(await keyring.signingKey()).toMatchObject({ id: "key_1" })
  }
  expect(store.asked).toEqual(["key_1"])
  expect(signing).toHaveBeenCalledTimes(1)
  time = 5_000
  await keyring.key("key_1")
  await keyring.signingKey()
  expect(store.asked).toHaveLength(2)
  expect(signing).toHaveBeenCalledTimes(2)
})

it("applies changes of this process at once", async () => {
  await keyring.key("key_1")
  await keyring.signingKey()
  const made = await keyring.rotate()
  expect(await keyring.signingKey()).toEqual(made)
  expect(await keyring.remove("key_1")).toBe(true)
  expect(await keyring.key("key_1")).toBeNull()
})

it("applies changes of another process after five seconds", async () => {
  await keyring.key("key_1")
  await store.rotate()
  await store.remove("key_1")
  time = 4_999
  expect(await keyring.key("key_1")).toMatchObject({ id: "key_1" })
  time = 5_000
  expect(await keyring.key("key_1")).toBeNull()
})

it("does not remember a read that started before a change", async () => {
  await keyring.rotate()
  const found = await store.key("key_1")
  const { promise, resolve } = Promise.withResolvers<typeof found>()
  const slow = vi.spyOn(store, "key").mockReturnValueOnce(promise)
  const asked = keyring.key("key_1")
  await keyring.remove("key_1")
  resolve(found)
  await asked
  slow.mockRestore()
  expect(await keyring.key("key_1")).toBeNull()
})

it("reads again for an id without a key", async () => {
  await keyring.key("key_9")
  await keyring.key("key_9")
  expect(store.asked).toEqual(["key_9", "key_9"])
})
