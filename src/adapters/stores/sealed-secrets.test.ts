import { randomBytes } from "node:crypto"
import { expect, it } from "vitest"
import { systemClock } from "../../core/time/clock.ts"
import { sealSecrets } from "./sealed-secrets.ts"
import { openMemoryStore } from "./sqlite/open.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

async function store() {
  return (await openMemoryStore({ clock: systemClock, logger })).secrets
}

it("returns the last stored value, until it is removed", async () => {
  const secrets = sealSecrets(await store(), randomBytes(32))
  expect(await secrets.get("token")).toBeNull()
  await secrets.put("token", "first")
  await secrets.put("token", "second \u0000 ü")
  expect(await secrets.get("token")).toBe("second \u0000 ü")
  await secrets.remove("token")
  expect(await secrets.get("token")).toBeNull()
})

it("stores nothing readable", async () => {
  const stored = await store()
  await sealSecrets(stored, randomBytes(32)).put("token", "very secret")
  const sealed = await stored.get("token")
  expect(Buffer.from(sealed ?? "", "base64").toString("latin1")).not.toContain("very secret")
})

it("reads nothing that was sealed with another key, or for another name", async () => {
  const stored = await store()
  const secrets = sealSecrets(stored, randomBytes(32))
  await secrets.put("token", "very secret")
  expect(await sealSecrets(stored, randomBytes(32)).get("token")).toBeNull()
  await stored.put("other", (await stored.get("token")) ?? "")
  expect(await secrets.get("other")).toBeNull()
})

it("replaces its own values, and treats values of another key as missing", async () => {
  const stored = await store()
  const secrets = sealSecrets(stored, randomBytes(32))
  expect(await secrets.replace("token", null, "first")).toBe(true)
  expect(await secrets.replace("token", null, "second")).toBe(false)
  expect(await secrets.replace("token", "first", "second")).toBe(true)
  expect(await secrets.get("token")).toBe("second")
  const others = sealSecrets(stored, randomBytes(32))
  expect(await others.replace("token", "second", "third")).toBe(false)
  expect(await others.replace("token", null, "third")).toBe(true)
  expect(await others.get("token")).toBe("third")
})
