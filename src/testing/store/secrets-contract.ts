import assert from "node:assert/strict"
import type { SessionLogCase } from "../session-log/fixtures.ts"

export const secretsCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a secret is the value that was put last under its name, until it is removed",
    async run({ open }) {
      const { secrets } = await open()
      assert.equal(await secrets.get("token"), null)
      await secrets.remove("token")
      await secrets.put("token", "first")
      await secrets.put("token", "second")
      await secrets.put("other", "third")
      assert.equal(await secrets.get("token"), "second")
      await secrets.remove("token")
      assert.equal(await secrets.get("token"), null)
      assert.equal(await secrets.get("other"), "third")
    },
  },
  {
    rule: null,
    name: "any text is a name, and names that differ are different secrets",
    async run({ open }) {
      const { secrets } = await open()
      const names = ["", "\u0000", "\ud800", "\\ud800", "a".repeat(2_000)]
      for (const name of names) await secrets.put(name, `of ${JSON.stringify(name)}`)
      for (const name of names) assert.equal(await secrets.get(name), `of ${JSON.stringify(name)}`)
    },
  },
  {
    rule: null,
    name: "a secret is replaced only if it still has the expected value",
    async run({ open }) {
      const { secrets } = await open()
      assert.equal(await secrets.replace("held", "first", "second"), false)
      assert.equal(await secrets.get("held"), null)
      assert.equal(await secrets.replace("held", null, "first"), true)
      assert.equal(await secrets.replace("held", null, "second"), false)
      assert.equal(await secrets.replace("held", "other", "second"), false)
      assert.equal(await secrets.get("held"), "first")
      assert.equal(await secrets.replace("held", "first", "second"), true)
      assert.equal(await secrets.get("held"), "second")
      await secrets.remove("held")
    },
  },
  {
    rule: null,
    name: "of many concurrent replacements of a secret, one succeeds",
    async run({ open }) {
      const { secrets } = await open()
      for (const expected of [null, "0", "0 again"]) {
        if (expected !== null) await secrets.put("raced", expected)
        const values = Array.from({ length: 8 }, (_, index) => `${expected} ${index}`)
        const done = await Promise.all(values.map((value) => secrets.replace("raced", expected, value)))
        assert.deepEqual(
          values.filter((_, index) => done[index]),
          [await secrets.get("raced")],
        )
      }
      await secrets.remove("raced")
    },
  },
]
