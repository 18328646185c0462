import assert from "node:assert/strict"
import { emptyFingerprint } from "../../core/history/history-fingerprint.ts"
import type { Entry, Event } from "../../core/log/entries.ts"
import type { Archive } from "../../core/ports/store/archive.ts"
import type { Lease, SessionLog } from "../../core/ports/store/session-log.ts"
import { noSpending } from "../../core/usage.ts"
import {
  commitOk,
  createEvent,
  createTextDelta,
  type PartCase,
  startSession,
  stepStarted,
  toSeq,
} from "../session-log/fixtures.ts"

const replacedBy = (text: string): Event => ({
  type: "historyReplaced",
  messages: [{ role: "user", content: [{ type: "text", text }] }],
  spent: noSpending,
})
const compacted: Event = {
  type: "historyCompacted",
  compactionId: "cmp_1",
  summary: "They talked.",
  notes: [],
  keptFromSeq: 1,
  keptFromIndex: 0,
  fingerprint: emptyFingerprint,
  tokensBefore: 90,
  tokensAfter: 30,
  model: "model",
  ...noSpending,
  charged: 0,
  estimated: false,
  spent: noSpending,
}
const resultOf = (text: string): Event => ({
  type: "toolCallCompleted",
  toolCallId: "call",
  name: "look",
  durationMs: 1,
  server: null,
  executionLocation: "backend",
  result: { type: "content", content: [{ type: "text", text }] },
})
/** Text with null characters, lone surrogates, quotes and letters of several bytes. */
const strange = 'Zoë \u0000 \ud83d "名" \\ '

interface OldSession {
  readonly sessionId: string
  readonly runId: string
  readonly lease: Lease
  /** The first event that is not old. */
  readonly boundary: number
}

/** A session with 250 large and small events and some deltas before a compaction, and one event after it. */
async function oldSession(log: SessionLog): Promise<OldSession> {
  const { sessionId, runId, lease } = await startSession(log)
  const entries: Entry[] = []
  let n = 0
  const add = (logged: Event) => void entries.push(createEvent(toSeq(lease, ++n), runId, logged))
  add(replacedBy(strange.repeat(200)))
  for (let count = 0; count < 125; count++) {
    add(stepStarted)
    add(resultOf(`${count}: ${strange.repeat(count % 5 === 0 ? 400 : 3)}`))
  }
  add(resultOf("large ".repeat(400_000)))
  entries.push(createTextDelta(toSeq(lease, ++n), runId, "streamed"))
  add(stepStarted)
  const boundary = toSeq(lease, n + 1)
  add(compacted)
  add(resultOf(strange.repeat(300)))
  await commitOk(log, { lease, entries })
  return { sessionId, runId, lease, boundary }
}

async function readAll(log: SessionLog, sessionId: string, options: object = {}): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (;;) {
    const afterSeq = entries.at(-1)?.seq ?? 0
    const page = await log.read(sessionId, { afterSeq, limit: 1_000, maxCharacters: 100_000, ...options })
    if (page.length === 0) return entries
    entries.push(...page)
  }
}

async function moveAll(archive: Archive, sessionId: string, beforeSeq: number): Promise<number> {
  let calls = 0
  for (let last = await archive.move(sessionId, { beforeSeq }); last !== null; calls++) {
    last = await archive.move(sessionId, { beforeSeq, afterSeq: last })
  }
  return calls
}

const sizeOf = async (log: SessionLog, sessionId: string) => (await log.session(sessionId))?.storedBytes ?? 0
const isDue = async (archive: Archive, sessionId: string) =>
  (await archive.due(1_000)).find((each) => each.sessionId === sessionId) ?? null

export const archiveCases: readonly PartCase[] = [
  {
    rule: null,
    name: "archived events are read like before by every method",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, boundary } = await oldSession(log)
      const ways = [{}, { deltas: false }, { replacedHistories: false }, { limit: 1 }, { maxCharacters: 1 }]
      const before = await Promise.all(ways.map((way) => readAll(log, sessionId, way)))
      assert.ok((await moveAll(archive, sessionId, boundary)) > 2)
      for (const [index, way] of ways.entries()) {
        assert.deepEqual(await readAll(log, sessionId, way), before[index])
      }
      assert.equal(await log.historyStart(sessionId), before[0]?.[0]?.seq)
      assert.equal(await log.compactionStart(sessionId), boundary)
      assert.ok((await log.stepStart(sessionId, boundary - 3)) > 0)
    },
  },
  {
    rule: null,
    name: "archived events no longer count toward their session, and only a little toward its principal",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, boundary } = await oldSession(log)
      const session = await log.session(sessionId)
      assert.ok(session !== null)
      const before = await log.storedBytes(session)
      await moveAll(archive, sessionId, boundary)
      const stored = await sizeOf(log, sessionId)
      assert.ok(session.storedBytes > 2_400_000)
      assert.ok(stored < 100_000 && stored > 10_000)
      const freed = before - (await log.storedBytes(session))
      // The compressed bytes count.
      assert.ok(freed < session.storedBytes - stored && freed > 2_300_000)
    },
  },
  {
    rule: null,
    name: "events are archived once, even with repeated and concurrent calls",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, boundary } = await oldSession(log)
      const before = await readAll(log, sessionId)
      await Promise.all(Array.from({ length: 4 }, () => moveAll(archive, sessionId, boundary)))
      const stored = await sizeOf(log, sessionId)
      await moveAll(archive, sessionId, boundary)
      assert.notEqual(await archive.move(sessionId, { beforeSeq: boundary, afterSeq: 0 }), null)
      assert.equal(await sizeOf(log, sessionId), stored)
      assert.deepEqual(await readAll(log, sessionId), before)
    },
  },
  {
    rule: null,
    name: "a page that is read while events are archived misses none and contains none twice",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, boundary } = await oldSession(log)
      const before = await readAll(log, sessionId)
      const [, ...readings] = await Promise.all([
        moveAll(archive, sessionId, boundary),
        ...Array.from({ length: 5 }, () => readAll(log, sessionId, { limit: 7 })),
      ])
      for (const reading of readings) assert.deepEqual(reading, before)
    },
  },
  {
    rule: null,
    name: "a session is due after its history was compacted or replaced, until it is marked as done",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, runId, lease, boundary } = await oldSession(log)
      const due = await isDue(archive, sessionId)
      assert.deepEqual(due, { sessionId, seq: boundary })
      const again = createEvent(toSeq(lease, 1_000), runId, replacedBy("x"))
      await commitOk(log, { lease, entries: [again] })
      await archive.done({ sessionId, seq: boundary })
      assert.deepEqual(await isDue(archive, sessionId), { sessionId, seq: again.seq })
      await archive.done({ sessionId, seq: again.seq })
      assert.equal(await isDue(archive, sessionId), null)
      await commitOk(log, { lease, entries: [createEvent(toSeq(lease, 1_001), runId, stepStarted)] })
      assert.equal(await isDue(archive, sessionId), null)
    },
  },
  {
    rule: null,
    name: "nothing is archived for a session that does not exist",
    async run({ open }) {
      const { archive } = await open()
      assert.equal(await archive.move("nobody", { beforeSeq: Number.MAX_SAFE_INTEGER }), null)
    },
  },
]

/** Cases for stores that several processes share. */
export const sharedArchiveCases: readonly PartCase[] = [
  {
    rule: null,
    name: "another process continues where one has stopped",
    async run({ open }) {
      const { log, archive } = await open()
      const { sessionId, boundary } = await oldSession(log)
      const before = await readAll(log, sessionId)
      const first = await archive.move(sessionId, { beforeSeq: boundary })
      const other = await open()
      assert.deepEqual(await readAll(other.log, sessionId), before)
      const second = await other.archive.move(sessionId, { beforeSeq: boundary })
      assert.ok(first !== null && second !== null && second > first)
      assert.deepEqual(await readAll(log, sessionId), before)
    },
  },
]
