import { randomUUID } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as delay } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { StoreUnavailableError } from "../../../core/errors.ts"
import type { MemoryScope, NewMemory } from "../../../core/ports/store/memory.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  createTextDelta,
  openRun,
  openSession,
  requireAcceptedPut,
  runFailed,
  runStarted,
  toSeq,
} from "../../../testing/session-log/fixtures.ts"
import { openSqliteStore } from "./open.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const options = { bounds: { maxMemories: 10_000, maxBytes: 100_000_000 } }
const ada: MemoryScope = { tenant: "app_default", userId: "ada-quagga", agent: null }
const adaAlone: MemoryScope = { ...ada, agent: "planner" }
const bob = (index: number): MemoryScope => ({ tenant: "app_default", userId: `bob-${index}`, agent: null })

/** Returns a word that only one memory has, and that begins no other word. */
const toWord = (index: number) => `okapi${String(index).padStart(3, "0")}`

async function open() {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-erase-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  let now = 1_000_000
  const store = await openSqliteStore({ path, clock: { now: () => now }, logger })
  onTestFinished(() => store.close())
  const file = join(path, "gateway.db")
  /** Returns the files of the data directory that contain the word, however it is written. */
  const filesWith = (word: string) =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((name) => readFileSync(name, "latin1").toLowerCase().includes(word))
      .map((name) => name.slice(path.length + 1))
  const remember = async (scope: MemoryScope, name: string, content: string, ttlMs: number | null = null) => {
    const memory: NewMemory = {
      scope,
      name,
      entityType: "note",
      content,
      tags: ["tag"],
      origin: null,
      vector: { model: "m", values: [1, 2, 3] },
      ttlMs,
    }
    expect((await store.memory.remember(memory, options)).status).toMatch(/created|updated/)
  }
  const wait = (ms: number) => {
    now += ms
  }
  return { ...store, file, filesWith, remember, wait }
}

/** Stores memories of a user who is to be forgotten among those of others, and changes and deletes some of them. */
async function rememberMuch({ memory, remember, wait }: Awaited<ReturnType<typeof open>>) {
  const sizes = [10, 200, 3_000, 9_000, 60_000]
  for (let index = 0; index < 60; index++) {
    const filler = "word ".repeat((sizes[index % sizes.length] ?? 0) / 5)
    await remember(bob(index % 7), `kept ${index}`, `${filler}${toWord(index)}`)
    await remember(
      index % 3 === 0 ? adaAlone : ada,
      `quagga name ${index}`,
      `${filler}quagga${index} ${filler}`,
    )
  }
  for (let index = 0; index < 60; index += 4) {
    const scope = index % 3 === 0 ? adaAlone : ada
    await remember(scope, `quagga name ${index}`, "shorter")
    await memory.forget(scope, { entityType: "note", name: `quagga name ${index + 1}` })
    await remember(bob(index % 7), `kept ${index}`, `changed ${toWord(index)}`)
  }
  for (let index = 0; index < 10; index++)
    await remember(ada, `quagga short ${index}`, "quagga expires", 1_000)
  wait(2_000)
  while ((await memory.prune(4)) > 0);
}

it("leaves no text of a forgotten user in the database file or its log", async () => {
  const store = await open()
  const { memory, filesWith } = store
  await rememberMuch(store)
  expect(filesWith("quagga")).not.toEqual([])
  await memory.forgetAll({ tenant: ada.tenant, userId: ada.userId })
  // Deleted, but still in the write-ahead log.
  expect(filesWith("quagga")).not.toEqual([])
  await memory.erase?.()
  expect(filesWith("quagga")).toEqual([])
  // Everyone else's memories are as before.
  for (let index = 0; index < 60; index++) {
    const found = await memory.recall(bob(index % 7), { text: toWord(index), limit: 5 })
    expect(found.map(({ name }) => name)).toEqual([`kept ${index}`])
  }
  expect(await memory.recall(ada, { limit: 5 })).toEqual([])
})

it("does so too while the checkpoint thread runs and others write and read", async () => {
  const store = await open()
  const { memory, filesWith, remember } = store
  await delay(1_200)
  await rememberMuch(store)
  const reader = new DatabaseSync(store.file, { readOnly: true })
  onTestFinished(() => reader.close())
  let isOver = false
  const writing = (async () => {
    for (let count = 0; !isOver; count++) {
      await remember(bob(count % 7), `more ${count}`, `okapi ${randomUUID()}`)
      reader.prepare("SELECT count(*) FROM memory").get()
    }
  })()
  const owner = { tenant: ada.tenant, userId: ada.userId }
  await memory.forgetAll(owner)
  await Promise.all([memory.erase?.(), memory.erase?.()])
  expect(filesWith("quagga")).toEqual([])
  isOver = true
  await writing
  expect(filesWith("quagga")).toEqual([])
})

it("rejects while another process reads an old state, and can be repeated", async () => {
  const { memory, filesWith, remember, file } = await open()
  await remember(ada, "quagga", "quagga")
  const reader = new DatabaseSync(file, { readOnly: true })
  onTestFinished(() => reader.close())
  reader.exec("BEGIN")
  reader.prepare("SELECT count(*) FROM memory").get()
  await memory.forgetAll({ tenant: ada.tenant, userId: ada.userId })
  await expect(memory.erase?.()).rejects.toThrow(StoreUnavailableError)
  expect(filesWith("quagga")).not.toEqual([])
  reader.exec("COMMIT")
  await memory.erase?.()
  expect(filesWith("quagga")).toEqual([])
})

it("leaves no text of a removed session: messages, events, deltas, chunks, snapshots", async () => {
  const { log, contents, snapshots, memory, filesWith } = await open()
  const quagga = (size: number) => "quagga ".repeat(size / 7)
  const toContent = (size: number) => [{ type: "text", text: quagga(size) }] as const
  const sessionId = await openSession(log, { at: 10 })
  // The largest are stored in chunks.
  for (const size of [70, 7_000, 700_000]) {
    const input = { type: "message", content: toContent(size) } as const
    requireAcceptedPut(await log.put(createMessage(sessionId, { input, whenBusy: "queue", at: 11 })))
  }
  const lease = await claimSession(log, sessionId)
  const bytes = Buffer.from(quagga(100_000))
  expect(await snapshots.put(lease, { version: 1, seq: 1, body: bytes, keptRows: 0, rows: [bytes] })).toBe(
    "stored",
  )
  const chunks = [bytes.subarray(0, 50_000), bytes.subarray(50_000)]
  const content = { id: "content", bytes: bytes.length, chunks }
  expect(await contents.put(sessionId, content, { sessionBytes: 10_000_000 })).toBe("stored")
  for (const [index, size] of [70, 7_000, 700_000].entries()) {
    const runId = await openRun(log, lease)
    const seq = (n: number) => toSeq(lease, 10 * index + n)
    await commitOk(log, {
      lease,
      entries: [
        createEvent(seq(1), runId, { ...runStarted, content: toContent(size) }, { at: 11 }),
        createTextDelta(seq(2), runId, quagga(700)),
        createEvent(seq(3), runId, runFailed, { at: 11 }),
      ],
      runEnded: { runId, state: "failed" },
    })
  }
  await log.release(lease)
  expect(filesWith("quagga")).not.toEqual([])
  await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: 1_000_000 })
  expect(await log.session(sessionId)).toBeNull()
  await memory.erase?.()
  expect(filesWith("quagga")).toEqual([])
})
