import { expect, it, onTestFinished } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { CallRecord } from "../../../core/ports/model/call-record.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createRequestReader } from "./read-requests.ts"
import { createRequestWriter, type RecordedAttempt } from "./write-request.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const sessionId = "sess_1"
const dayMs = 24 * 60 * 60 * 1_000

async function open({ key = null, redact = [] }: { key?: Uint8Array | null; redact?: string[] } = {}) {
  const store = await openMemoryStore({ clock: systemClock, logger })
  onTestFinished(() => store.close())
  await store.log.createSession({ id: sessionId, tenant: "t", userId: "u", agent: "a", createdAt: 1 })
  const { keptRequests } = store
  const write = createRequestWriter({ store: keptRequests, key, redact, sessionBytes: 10_000_000 })
  const reader = createRequestReader(keptRequests, key)
  let count = 0
  return {
    keptRequests,
    reader,
    /** Resolves to the number of rows that a reader needs. */
    async countParts(id: string): Promise<number> {
      const [kept] = await keptRequests.list(sessionId, { id, limit: 1 })
      return kept === undefined ? 0 : (await keptRequests.parts(sessionId, kept)).length
    },
    /** Stores an attempt with this body, at this time. Resolves to its id. */
    async keep(body: unknown, at = 1, response: CallRecord["response"] = null): Promise<string> {
      const record = { request: { form: "http", url: null, headers: {}, body }, response } as const
      expect(await write(createAttempt(`step_${++count}`, { at, record }))).toBe(true)
      return `step_${count}.1`
    },
    readBody: async (id: string) => (await reader.show(sessionId, id))?.body,
  }
}

function createAttempt(stepId: string, given: Pick<RecordedAttempt, "at" | "record">): RecordedAttempt {
  return {
    ...{ tenant: "t", userId: "u", agent: "a", sessionId, runId: "run_1", traceparent: null },
    ...{ id: "e", stepId, purpose: "response", attempt: 1, provider: "p", model: "m" },
    usage: { inputTokens: 0, outputTokens: 0, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 },
    ...{ cost: null, estimated: false, stopReason: "end", response: null, code: null },
    ...{ durationMs: 1, firstTokenMs: null },
    ...given,
  }
}

const messages = ["a", "b", "c"].map((text) => ({ role: "user", content: text }))

it("reads back bodies whose parts were repeated, left out, moved and added", async () => {
  const { keep, readBody } = await open()
  const [a, b, c] = messages
  const bodies = [
    { model: "m", messages: [a, b], tools: [], stream: true },
    { model: "m", messages: [a, b, c], tools: [{ name: "t" }], stream: true, stop: undefined },
    { messages: [c, a, a, b], system: [b], model: null, nested: { messages } },
    "a text",
    null,
    [a, c],
    { model: "m", messages: [a, b], tools: [], stream: true },
  ]
  const ids: string[] = []
  for (const body of bodies) ids.push(await keep(body))
  for (const [index, id] of ids.entries()) {
    expect(await readBody(id)).toEqual(JSON.parse(JSON.stringify(bodies[index])))
  }
})

it("stores a part once in a series, and all parts again after a day and after a failure", async () => {
  const { keep, readBody, countParts, keptRequests, reader } = await open()
  const long = { messages: [...messages, { content: "x".repeat(1_000) }] }
  const [first, second] = [await keep(long), await keep(long)]
  expect([await countParts(first), await countParts(second)]).toEqual([1, 2])
  const next = await keep(long, 2 + dayMs)
  expect(await countParts(next)).toBe(1)
  const { put } = keptRequests
  keptRequests.put = () => Promise.reject(new Error("The store is away."))
  await expect(keep({ messages: ["never stored"] }, 3 + dayMs)).rejects.toThrow("away")
  keptRequests.put = put
  const last = await keep({ messages: [...messages, "never stored"] }, 4 + dayMs)
  expect(await countParts(last)).toBe(1)
  expect(await readBody(last)).toEqual({ messages: [...messages, "never stored"] })
  expect((await reader.list(sessionId)).map(({ id }) => id)).toEqual([last, next, second, first])
})

it("keeps a note in place of a part that is too long", async () => {
  const { keep, readBody } = await open()
  const image = { type: "image", data: "x".repeat(300_000) }
  const id = await keep({ messages: [messages[0], image] })
  expect(await readBody(id)).toEqual({
    messages: [messages[0], { omitted: "This part is longer than 256 KiB." }],
  })
})

it("starts another series when the parts of one have 16 MiB, so that a reader needs no more", async () => {
  const { keep, countParts, readBody } = await open()
  const texts = Array.from({ length: 70 }, (_, index) => `${index}${" many words".repeat(22_000)}`)
  await keep({ messages: texts })
  const id = await keep({ messages: ["short"] })
  expect(await countParts(id)).toBe(1)
  expect(await readBody(id)).toEqual({ messages: ["short"] })
})

it("counts what another process has stored to the bytes of the session", async () => {
  const { keptRequests } = await open()
  const sessionBytes = 1_000
  const processes = [1, 2].map(() =>
    createRequestWriter({ store: keptRequests, key: null, redact: [], sessionBytes }),
  )
  let stored = 0
  for (let count = 0; count < 20; count += 1) {
    const request = { form: "http", url: null, headers: {}, body: [count] } as const
    for (const write of processes) {
      const attempt = createAttempt(`step_${count}`, { at: 1, record: { request, response: null } })
      stored += (await write(attempt)) ? 1 : 0
    }
  }
  expect(stored).toBeGreaterThan(2)
  expect(await keptRequests.bytes(sessionId)).toBeLessThanOrEqual(sessionBytes)
})

it("masks keys in the address", async () => {
  const { keptRequests, reader } = await open()
  const write = createRequestWriter({ store: keptRequests, key: null, redact: [], sessionBytes: 10_000 })
  const url = "https://proxy.example/sk-abcdefghijklmnop/v1"
  const request = { form: "http", url, headers: {}, body: null } as const
  await write(createAttempt("step_1", { at: 1, record: { request, response: null } }))
  const shown = await reader.show(sessionId, undefined)
  expect(shown?.url).toBe("https://proxy.example/[redacted]/v1")
})

it("masks keys and named fields in the body and in the response, and keeps an error's whole text", async () => {
  const { keep, reader } = await open({ redact: ["iban"], key: new Uint8Array(32) })
  const id = await keep({ messages: [{ iban: "DE12", content: "iban: DE12" }] }, 1, {
    status: 400,
    headers: { "content-type": "application/json" },
    chunks: [Buffer.from('{"error":"iban: DE'), Buffer.from('12 is wrong"}')],
  })
  const shown = await reader.show(sessionId, id)
  expect(shown?.body).toEqual({ messages: [{ iban: "[redacted]", content: "iban: [redacted]" }] })
  expect(shown?.response).toMatchObject({ status: 400, body: '{"error":"iban: [redacted] is wrong"}' })
})
