import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { runSession } from "../features/headless/run/run-session.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway, type GatewayOptions } from "./create-gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Opens gateways on one store, as two processes would. */
async function openBoth(options: Partial<GatewayOptions> = {}) {
  const path = await mkdtemp(join(tmpdir(), "gateway-external-"))
  const provider = scriptedProvider(() => [{ type: "text", text: "Hello." }])
  const open = () =>
    createGateway({
      store: path,
      logger,
      agents: {
        first: { systemPrompt: "You are first.", provider },
        second: { systemPrompt: "You are second.", provider },
      },
      ...options,
    })
  const gateways = [open(), open()] as const
  onTestFinished(async () => {
    for (const gateway of gateways) await gateway.close({ graceMs: 0 })
    await rm(path, { recursive: true })
  })
  return { gateways, provider }
}

it("runs of both processes with one external id share a session, which is announced once", async () => {
  const onSessionCreated = vi.fn()
  const { gateways, provider } = await openBoth({ onSessionCreated })
  const options = { externalId: "chat 1", whenBusy: "queue" } as const
  const runs = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      gateways[index % 2 === 0 ? 0 : 1].run(`Message ${index}`, options),
    ),
  )
  expect(new Set(runs.map(({ sessionId }) => sessionId)).size).toBe(1)
  expect(onSessionCreated).toHaveBeenCalledOnce()
  expect(provider.requests.at(-1)?.messages).toHaveLength(11)
  const [session] = (await gateways[0].sessions.list()).items
  expect(session).toMatchObject({ id: runs[0]?.sessionId, externalId: "chat 1" })
})

it("an external id is one of its user and agent, and may be used in headless runs", async () => {
  const { gateways } = await openBoth()
  const [gateway] = gateways
  const run = async (options: object) =>
    (await runSession(gateway, "Go.", { externalId: "nightly", ...options })).sessionId
  const own = await run({})
  expect(await run({})).toBe(own)
  const others = [await run({ userId: "ada" }), await run({ userId: "bob" }), await run({ agent: "second" })]
  expect(new Set([own, ...others]).size).toBe(4)
})

it("a revoked session is not continued by its external id", async () => {
  const { gateways } = await openBoth()
  const { sessionId } = await gateways[0].run("Hi", { externalId: "chat" })
  await gateways[0].revokeSession(sessionId)
  const refused = gateways[1].run("Hi", { externalId: "chat" })
  await expect(refused).rejects.toMatchObject({ code: "session_revoked", status: 409 })
})

it.each([
  ["looks like the id of a session", { externalId: "sess_1" }],
  ["is empty", { externalId: "" }],
  ["is too long", { externalId: "x".repeat(201) }],
  ["is beside the id of a session", { externalId: "chat", sessionId: "sess_1" }],
])("an external id that %s is refused", async (_, options) => {
  const { gateways } = await openBoth()
  await expect(gateways[0].run("Hi", options)).rejects.toThrow(/externalId/)
})
