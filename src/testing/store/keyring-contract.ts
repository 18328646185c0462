import assert from "node:assert/strict"
import type { SessionLogCase } from "../session-log/fixtures.ts"

export const keyringCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "there is one signing key of 32 bytes, created on first use and found by its id",
    async run({ open }) {
      const { keyring } = await open()
      const keys = await Promise.all(Array.from({ length: 8 }, () => keyring.signingKey()))
      const [first] = keys
      assert.ok(first)
      assert.equal(first.secret.length, 32)
      for (const key of keys) assert.deepEqual(key, first)
      assert.deepEqual(await keyring.key(first.id), first)
    },
  },
  {
    rule: null,
    name: "an unknown key is null and cannot be removed, with any id",
    async run({ open }) {
      const { keyring } = await open()
      for (const id of ["key_nobody", "", "\u0000", "\ud800"]) {
        assert.equal(await keyring.key(id), null)
        assert.equal(await keyring.remove(id), false)
      }
    },
  },
  {
    rule: null,
    name: "after a rotation the new key signs, and the former ones are found until they are removed",
    async run({ open }) {
      const { keyring } = await open()
      const former = await keyring.signingKey()
      const key = await keyring.rotate()
      assert.notEqual(key.id, former.id)
      assert.notDeepEqual(key.secret, former.secret)
      assert.deepEqual(await keyring.signingKey(), key)
      assert.deepEqual(await keyring.key(key.id), key)
      assert.deepEqual(await keyring.key(former.id), former)
      assert.equal(await keyring.remove(former.id), true)
      assert.equal(await keyring.key(former.id), null)
      assert.equal(await keyring.remove(former.id), false)
      assert.deepEqual(await keyring.signingKey(), key)
    },
  },
  {
    rule: null,
    name: "a keyring without a key can be rotated, and the newest key cannot be removed",
    async run({ open }) {
      const { keyring } = await open()
      const key = await keyring.rotate()
      assert.deepEqual(await keyring.signingKey(), key)
      assert.equal(await keyring.remove(key.id), false)
      assert.deepEqual(await keyring.key(key.id), key)
    },
  },
  {
    rule: null,
    name: "concurrent rotations each create a key, and the newest signs",
    async run({ open }) {
      const { keyring } = await open()
      const keys = await Promise.all(Array.from({ length: 8 }, () => keyring.rotate()))
      assert.equal(new Set(keys.map(({ id }) => id)).size, 8)
      for (const key of keys) assert.deepEqual(await keyring.key(key.id), key)
      const signing = await keyring.signingKey()
      assert.ok(keys.some(({ id }) => id === signing.id))
    },
  },
]
