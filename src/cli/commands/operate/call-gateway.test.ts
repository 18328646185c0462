import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createAgent } from "../../../gateway/create-agent.ts"
import type { Listener } from "../../../gateway/gateway.ts"
import { silentLogger } from "../../fixtures/cli-on-store.ts"
import { runInProcess } from "../../fixtures/run-in-process.ts"

const gateway = createAgent("You answer.", {
  provider: "demo",
  store: "memory",
  logger: silentLogger,
  operatorKeys: [
    { key: "a-key-that-only-reads", name: "reader", scopes: ["read"] },
    { key: "a-key-of-one-tenant-only", name: "acme", scopes: ["read", "operate"], tenant: "app_acme" },
  ],
})
let listener: Listener
let folder = ""
const elsewhere = createServer((_, response) => response.end("<p>Hello</p>"))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "call-gateway-"))
  listener = await gateway.listen({ port: 0 })
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve))
})
afterAll(async () => {
  await new Promise((resolve) => elsewhere.close(resolve))
  await listener.close()
  await gateway.close({ graceMs: 0 })
  await rm(folder, { recursive: true, force: true })
})

const cli = (key: string, ...argv: readonly string[]) =>
  runInProcess(argv, { cwd: folder, env: key === "" ? {} : { AGENT_GATEWAY_OPERATOR_KEY: key } })

describe("a command with --url", () => {
  it("works with the address of the API and with that of the server", async () => {
    await gateway.run("Hello")
    for (const url of [listener.url, listener.apiUrl, `${listener.apiUrl}/`]) {
      const { code, stdout } = await cli("a-key-that-only-reads", "sessions", "list", "--url", url)
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^sess_\S+ {2}idle/)])
    }
  })

  it("has the scopes and the tenant of its key", async () => {
    const url = listener.url
    expect(await cli("a-key-that-only-reads", "gateway", "configuration", "--url", url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("needs the scope operate"),
    })
    expect((await cli("a-key-of-one-tenant-only", "sessions", "list", "--url", url)).stdout).toBe(
      "No session matches.\n",
    )
    expect(await cli("a-key-of-one-tenant-only", "gateway", "configuration", "--url", url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("for one tenant"),
    })
  })

  it("says what is wrong with the key or the address", async () => {
    const { port } = elsewhere.address() as AddressInfo
    const problems: [key: string, url: string, problem: string][] = [
      ["a-key-that-is-unknown", listener.url, "Set AGENT_GATEWAY_OPERATOR_KEY"],
      ["a-key-that-only-reads", `http://127.0.0.1:${port}/api`, "is it the address of a gateway?"],
      ["a-key-that-only-reads", "http://127.0.0.1:1/api", "cannot be reached"],
    ]
    for (const [key, url, problem] of problems) {
      expect(await cli(key, "runs", "list", "--url", url)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(problem),
      })
    }
  })

  it.each([
    ["", ["--url", "http://127.0.0.1:1"], "set AGENT_GATEWAY_OPERATOR_KEY"],
    ["key", ["--url", "127.0.0.1:8000"], "--url must start with http:// or https://"],
    ["key", ["--url", "http://127.0.0.1:1", "--store", "x"], "give --store or --url, not both"],
  ])("is wrong usage with the key %j and %j", async (key, options, problem) => {
    const { code, stderr } = await cli(key, "runs", "list", ...options)
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)])
  })

  it("answers as the operator, and not as another person", async () => {
    expect(await cli("key", "approvals", "deny", "x", "--user", "ada", "--url", listener.url)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("the operator whose key you use"),
    })
  })
})
