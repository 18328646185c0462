import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { expect, it, onTestFinished } from "vitest"
import { createAgent, sqliteStore } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { heldBytes } from "./support/held-bytes.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const megabyte = 1024 * 1024
const waitingRuns = 24
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

async function startGateway() {
  const gateway = createAgent("You wait.", {
    provider: scriptedProvider(() => [{ type: "wait", until: new Promise(() => {}) }]),
    validApiKeys: ["0123456789abcdef"],
    store: sqliteStore(await temporaryFolder()),
    maxConcurrentRuns: 1,
    rateLimits: false,
    logger: quiet,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway.listen({ port: 0 })
}

/** Sends a message, and resolves to its stream once the response has started. */
async function post(url: string, token: string, body: Buffer): Promise<IncomingMessage> {
  const sent = request(`${url}/api/chat`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": body.byteLength,
    },
  })
  onTestFinished(() => void sent.destroy())
  sent.on("error", () => {})
  sent.end(body)
  const [response] = (await once(sent, "response")) as [IncomingMessage]
  response.on("error", () => {})
  response.resume()
  return response
}

it("keeps no messages in memory for runs that wait for a place, even if their streams are open", async () => {
  const { url } = await startGateway()
  const body = Buffer.from(JSON.stringify({ message: "x".repeat(4 * megabyte - 1_000) }))
  const send = async (user: number) => {
    const response = await fetch(`${url}/api/chat/init`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: "0123456789abcdef", user_id: `user ${user}` }),
    })
    const { session_token: token } = (await response.json()) as { readonly session_token: string }
    return post(url, token, body)
  }
  // The first run takes the only place. The second one compiles the code that the others use.
  await send(0)
  await send(1)
  const before = await heldBytes()
  for (let user = 2; user < 2 + waitingRuns; user++) expect((await send(user)).statusCode).toBe(200)
  const after = await heldBytes()
  expect((after - before) / waitingRuns).toBeLessThan(megabyte / 4)
})
