import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { resolveSecretsKey } from "./secrets-key.ts"

async function dataDirectory(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-key-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

it("is created once in the data directory, readable only by its owner", async () => {
  const store = await dataDirectory()
  const keys = await Promise.all([resolveSecretsKey({ store }), resolveSecretsKey({ store })])
  expect(keys[0]).toHaveLength(32)
  expect(keys[1]).toEqual(keys[0])
  expect(await resolveSecretsKey({ store })).toEqual(keys[0])
  expect((await stat(join(store, "secrets.key"))).mode & 0o777).toBe(0o600)
})

it("is the given one, with any store", async () => {
  const given = "a passphrase of more than 32 characters"
  const key = await resolveSecretsKey({ store: "postgres://localhost/x", secretsKey: given })
  expect(key).toHaveLength(32)
  expect(await resolveSecretsKey({ store: "memory", secretsKey: given })).toEqual(key)
  await expect(resolveSecretsKey({ store: "memory", secretsKey: "short" })).rejects.toThrow(
    "at least 32 characters",
  )
})

it("is missing for a store without a directory, unless it is given", async () => {
  expect(await resolveSecretsKey({ store: "postgres://localhost/x" })).toBeNull()
})
