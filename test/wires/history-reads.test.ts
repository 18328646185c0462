import { expect, it, onTestFinished } from "vitest"
import { openMemoryStore } from "../../src/adapters/stores/sqlite/open.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import { createAgent } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/index.ts"
import { reply } from "./support/scripted-turns.ts"

const key = "a-key-of-the-application"
const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts a gateway whose sessions are large, and whose reads the test can hold. */
async function start() {
  const { log, ...store } = await openMemoryStore({ clock: systemClock, logger })
  const enlarge = <Row extends object>(row: Row | null) => row && { ...row, storedBytes: 40 * 1024 * 1024 }
  let holding = Promise.resolve()
  let held = 0
  const gateway = createAgent("You help.", {
    ...{ name: "agent", logger, validApiKeys: [key], rateLimits: false },
    provider: scriptedProvider(() => reply("Hello")),
    store: {
      ...store,
      log: {
        ...log,
        session: async (id) => enlarge(await log.session(id)),
        findSession: async (...of) => enlarge(await log.findSession(...of)),
        async read(...range) {
          held += 1
          await holding
          return log.read(...range)
        },
      },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  const request = (path: string, body?: object) =>
    fetch(url + path, {
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    })
  /** Holds all reads. Resolves when the first request waits in one. */
  const hold = async (first: () => Promise<Response>) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    holding = promise
    held = 0
    const waiting = first()
    await expect.poll(() => held).toBeGreaterThan(0)
    return { waiting, release: resolve }
  }
  return { request, hold }
}

const message = { threadId: "chat", runId: "run-1", messages: [{ id: "u", role: "user", content: "Hi" }] }
const question = { model: "agent", conversation: "chat", input: "Hi" }

it("counts what a user reads over AG-UI and Responses against one limit", async () => {
  const { request, hold } = await start()
  await (await request("/api/ag-ui", message)).text()
  await (await request("/api/ag-ui", { ...message, runId: "run-2" })).text()
  const { id } = (await (await request("/v1/responses", question)).json()) as { readonly id: string }
  const item = { type: "item_reference", id: id.replace("resp_", "msg_").concat("_0") }
  const reads = [
    () => request("/api/ag-ui?threadId=chat&runId=run-2"),
    () => request("/api/ag-ui?threadId=chat&runId=another"),
    () => request("/api/ag-ui", { ...message, runId: "run-2" }),
    () => request(`/v1/responses/${id}`),
    () => request(`/v1/responses/${id}?stream=true`),
    () => request(`/v1/responses/${id}/input_items`),
    () => request("/v1/responses", { model: "agent", input: [item, { role: "user", content: "More" }] }),
  ]
  for (const first of reads) {
    const { waiting, release } = await hold(first)
    for (const other of reads) {
      const refused = await other()
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"])
      expect(await refused.text()).toContain("too_many_history_reads")
    }
    release()
    const served = await waiting
    expect(served.status).toBe(200)
    await served.text()
  }
})
