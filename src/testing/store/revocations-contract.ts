import assert from "node:assert/strict"
import type { SessionLogCase } from "../session-log/fixtures.ts"

const ada = { tenant: "key_1", userId: "ada" }

export const revocationsCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "tokens of a principal are valid from 0, and after each revocation from a later time",
    async run({ open }) {
      const { revocations } = await open()
      const times = [await revocations.validAfter(ada)]
      for (let round = 0; round < 3; round++) {
        times.push(await revocations.revoke(ada))
        assert.equal(await revocations.validAfter(ada), times.at(-1))
      }
      assert.equal(times[0], 0)
      assert.deepEqual(
        times,
        [...new Set(times)].sort((left, right) => left - right),
      )
    },
  },
  {
    rule: null,
    name: "concurrent revocations of one principal each have a time of their own",
    async run({ open }) {
      const { revocations } = await open()
      const bob = { ...ada, userId: "bob" }
      const times = await Promise.all(Array.from({ length: 8 }, () => revocations.revoke(bob)))
      assert.equal(new Set(times).size, 8)
      assert.equal(await revocations.validAfter(bob), Math.max(...times))
    },
  },
  {
    rule: null,
    name: "a revocation concerns one user of one tenant, with any names",
    async run({ open }) {
      const { revocations } = await open()
      const principals = [
        { tenant: "a b", userId: "c" },
        { tenant: "a", userId: "b c" },
        { tenant: "a", userId: "" },
        { tenant: "", userId: "a" },
        { tenant: "a", userId: "\u0000" },
        { tenant: "a", userId: "\ud800" },
      ]
      for (const principal of principals) {
        assert.equal(await revocations.validAfter(principal), 0)
        await revocations.revoke(principal)
        assert.ok((await revocations.validAfter(principal)) > 0)
      }
    },
  },
  {
    rule: null,
    name: "a store has one id, which is made on first use",
    async run({ open }) {
      const store = await open()
      const ids = await Promise.all(Array.from({ length: 8 }, () => store.id()))
      assert.match(ids[0] ?? "", /^store_[\w-]+$/)
      assert.equal(new Set(ids).size, 1)
    },
  },
]
