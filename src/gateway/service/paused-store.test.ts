import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { startTestServer, type TestServer } from "../../adapters/stores/postgres/fixtures/test-server.ts"
import { forever, patience, say, silentLogger } from "../../kernel/sessions/fixtures/test-gateway.ts"
import { type ScriptedStep, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAgent } from "../create-agent.ts"
import { setStorePause } from "../operate/pause-store.ts"

let server: TestServer
let directory = ""
beforeAll(async () => {
  server = await startTestServer()
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterAll(async () => {
  await server.stop()
  rmSync(directory, { recursive: true })
})

async function createStore(kind: string): Promise<string> {
  if (kind === "SQLite") return join(directory, "data")
  await server.createDatabase("paused")
  return server.urlOf("paused")
}

function open(store: string, steps: readonly ScriptedStep[]) {
  const provider = scriptedProvider(() => steps)
  const gateway = createAgent("You help.", { provider, store, logger: silentLogger, validApiKeys: ["key"] })
  const post = async (path: string, body: object, token?: string) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return gateway.fetch(
      new Request(`http://localhost/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body: JSON.stringify(body),
      }),
    )
  }
  const ready = async () => {
    const response = await gateway.fetch(new Request("http://localhost/api/ready"))
    return { status: response.status, text: await response.text() }
  }
  return { gateway, provider, post, ready }
}

it.each(["SQLite", "Postgres"])("a paused store on %s starts no work until it is resumed", async (kind) => {
  const store = await createStore(kind)
  const original = open(store, [say("Working"), forever])
  const created = await original.post("/chat/init", { api_key: "key" })
  const { session_token: token } = (await created.json()) as { readonly session_token: string }
  await (await original.post("/chat", { message: "Work" }, token)).body?.cancel()
  await vi.waitFor(() => expect(original.provider.requests).toHaveLength(1), patience)
  await original.gateway.close({ graceMs: 0 })

  expect(await setStorePause(true, store)).toBe(true)
  expect(await setStorePause(true, store)).toBe(false)
  const copy = open(store, [say("Done")])
  await copy.gateway.prepare()
  expect(await copy.ready()).toMatchObject({ status: 503, text: expect.stringContaining("store resume") })
  // A message is accepted, and waits like the run that was open.
  const second = await copy.post("/chat/init", { api_key: "key", user_id: "other" })
  const { session_token: other } = (await second.json()) as { readonly session_token: string }
  const stream = await copy.post("/chat", { message: "Work as well" }, other)
  expect(stream.status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(copy.provider.requests).toHaveLength(0)

  expect(await setStorePause(false, store)).toBe(true)
  expect(await stream.text()).toContain("stream_complete")
  await vi.waitFor(() => expect(copy.provider.requests).toHaveLength(2), patience)
  expect((await copy.ready()).status).toBe(200)
  await copy.gateway.close()
})

it("a command that executes a run refuses a paused store, and a server on it can be closed", async () => {
  const store = join(directory, "refused")
  await (await openAndClose(store)).close()
  await setStorePause(true, store)
  const command = open(store, [say("Done")]).gateway
  await expect(command.prepare({ mode: "run" })).rejects.toThrow("agent-gateway store resume")
  const { gateway } = open(store, [say("Done")])
  await gateway.prepare()
  await gateway.close()
})

async function openAndClose(store: string) {
  const { gateway } = open(store, [say("Done")])
  await gateway.prepare()
  return gateway
}
