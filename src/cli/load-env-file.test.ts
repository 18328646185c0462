import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { loadEnvFileFor } from "./load-env-file.ts"

const variable = "AGENT_GATEWAY_TEST_OF_ENV_FILE"
let folder = ""

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-gateway-test-"))
  await writeFile(join(folder, ".env"), `${variable}=from-file\n`)
})
afterEach(async () => {
  delete process.env[variable]
  await rm(folder, { recursive: true })
})

it.each(["start", "dev", "run", "chat", "heartbeat", "mcp", "doctor"])("is read by %s", (command) => {
  loadEnvFileFor(command, folder)
  expect(process.env[variable]).toBe("from-file")
})

it.each([undefined, "init", "sessions"])("is not read by %s, which loads no agent", (command) => {
  loadEnvFileFor(command, folder)
  expect(process.env[variable]).toBeUndefined()
})

it("does not replace a variable of the environment", () => {
  process.env[variable] = "from-environment"
  loadEnvFileFor("mcp", folder)
  expect(process.env[variable]).toBe("from-environment")
})

it("may be absent, but must be readable", async () => {
  await rm(join(folder, ".env"))
  expect(() => loadEnvFileFor("mcp", folder)).not.toThrow()
  await mkdir(join(folder, ".env"))
  expect(() => loadEnvFileFor("mcp", folder)).toThrow()
})
