import { request } from "node:http"
import { expect, it, onTestFinished } from "vitest"
import { createAgent, sqliteStore } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { heldBytes } from "./support/held-bytes.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const apiKey = "0123456789abcdef"
const viewers = 30
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const pieces = Array.from({ length: 200 }, () => ({ type: "text", text: "x".repeat(5_000) }) as const)
const waiting = [
  { type: "text", text: "It waits now." },
  { type: "wait", until: new Promise(() => {}) },
] as const

/** Resolves when the viewer has read the history. Its stream stays open. */
function watch(url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/chat/subscribe?after_seq=0`, {
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    })
    onTestFinished(() => void sent.destroy())
    sent.on("error", reject)
    sent.on("response", (response) => {
      response.on("error", () => {})
      response.on("data", (bytes: Buffer) => {
        if (bytes.includes("It waits now.")) resolve()
      })
    })
    sent.end()
  })
}

it("viewers that wait keep nothing of the history that each of them has read", async () => {
  const gateway = createAgent("You write.", {
    provider: scriptedProvider([pieces, waiting]),
    validApiKeys: [apiKey],
    store: sqliteStore(await temporaryFolder()),
    rateLimits: false,
    logger: quiet,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  const session = await startSession(url, apiKey)
  await (await session.chat("Write.")).rest()
  const open = await session.chat("Wait.")
  onTestFinished(() => open.close())
  const watchMany = async () => {
    for (let count = 0; count < viewers; count++) await watch(url, session.token)
  }
  // The first viewers also compile the code.
  await watchMany()
  const before = await heldBytes()
  await watchMany()
  const each = ((await heldBytes()) - before) / viewers
  // The last page of the history alone has more than 100 kB.
  expect(each).toBeLessThan(70_000)
})
