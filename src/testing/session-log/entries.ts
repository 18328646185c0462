import assert from "node:assert/strict"
import type { Entry, Event } from "../../core/log/entries.ts"
import type { ReadOptions } from "../../core/ports/store/read-options.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import {
  commitOk,
  createEvent,
  createMessage,
  createTextDelta,
  openSession,
  requireAcceptedPut,
  runFailed,
  type SessionLogCase,
  startSession,
  stepCompleted,
  stepStarted,
  toSeq,
} from "./fixtures.ts"

export const entryCases: readonly SessionLogCase[] = [
  {
    rule: 2,
    name: "the request, the start and the answer of a call are separate entries in order",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const call = { toolCallId: "call_1", name: "read_file" }
      const events: Event[] = [
        {
          type: "toolCallRequested",
          stepId: "step_1",
          ...call,
          input: { path: "a" },
          callIndex: 0,
          executionLocation: "backend",
        },
        { type: "toolCallStarted", toolCallId: "call_1" },
        {
          type: "toolCallCompleted",
          ...call,
          result: { type: "json", value: { lines: [1.5, null] } },
          durationMs: 3,
          server: null,
          executionLocation: "backend",
        },
      ]
      const entries = events.map((each, index) => createEvent(toSeq(lease, index + 1), runId, each))
      for (const [index, entry] of entries.entries()) {
        await commitOk(log, { lease, entries: [entry] })
        assert.deepEqual(await readAll(log, sessionId), entries.slice(0, index + 1))
      }
    },
  },
  {
    rule: 14,
    name: "application data is stored unchanged",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const data = { type: "dataEmitted", toolCallId: "call_1", name: "progress" } as const
      const entry = createEvent(toSeq(lease, 1), runId, { ...data, value: { done: [1, null, "ä"] } })
      await commitOk(log, { lease, entries: [entry] })
      assert.deepEqual(await readAll(log, sessionId), [entry])
    },
  },
  {
    rule: 3,
    name: "sequence numbers are exact, up to the largest exact integer",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const top = Number.MAX_SAFE_INTEGER
      const entries = [
        createTextDelta(toSeq(lease, 1), runId, "small"),
        createEvent(2 ** 31, runId, stepStarted),
        createEvent(2 ** 53 - 1_000_000_000, runId, stepStarted),
        createTextDelta(top - 3, runId, "a"),
        createTextDelta(top - 1, runId, "b"),
        createEvent(top, runId, runFailed, { at: 8_640_000_000_000_000 }),
      ]
      await commitOk(log, { lease, entries })
      assert.deepEqual(await readAll(log, sessionId), entries)
      assert.equal((await log.session(sessionId))?.lastSeq, top)
      assert.equal(await log.stepStart(sessionId, top), 2 ** 53 - 1_000_000_000)
      assert.deepEqual(await log.read(sessionId, { afterSeq: top - 1, limit: 10 }), entries.slice(-1))
    },
  },
  {
    rule: 4,
    name: "one call commits many sessions, and a refused one does not affect the others",
    async run({ open }) {
      const { log } = await open()
      const sessions = await Promise.all(Array.from({ length: 20 }, () => startSession(log)))
      const lost = 7
      const batches = sessions.map(({ lease, runId }, index) => ({
        lease: index === lost ? { ...lease, epoch: lease.epoch - 1 } : lease,
        entries: [
          createTextDelta(toSeq(lease, 1), runId, `text ${index}`),
          createEvent(toSeq(lease, 2), runId, stepStarted),
        ],
      }))
      const outcomes = await log.commit(batches)
      assert.deepEqual(
        outcomes,
        sessions.map((_, index) => (index === lost ? "fenced" : "ok")),
      )
      for (const [index, { sessionId }] of sessions.entries()) {
        const expected = index === lost ? [] : (batches[index]?.entries ?? [])
        assert.deepEqual(await readAll(log, sessionId), expected)
      }
    },
  },
  {
    rule: 4,
    name: "a failed commit stores nothing, and its other sessions can be committed separately",
    async run({ open }) {
      const { log } = await open()
      const [good, bad] = [await startSession(log), await startSession(log)]
      const first = createEvent(toSeq(bad.lease, 1), bad.runId, stepStarted)
      await commitOk(log, { lease: bad.lease, entries: [first] })
      const entries = [createEvent(toSeq(good.lease, 1), good.runId, stepStarted)]
      // Using a number for another entry violates an invariant of the caller, whatever the store does.
      const other = createEvent(toSeq(bad.lease, 1), bad.runId, stepCompleted)
      await assert.rejects(
        log.commit([
          { lease: good.lease, entries },
          { lease: bad.lease, entries: [other] },
        ]),
      )
      assert.deepEqual(await readAll(log, good.sessionId), [])
      assert.equal((await log.session(good.sessionId))?.lastSeq, 0)
      await commitOk(log, { lease: good.lease, entries })
      assert.deepEqual(await readAll(log, good.sessionId), entries)
      assert.deepEqual(await readAll(log, bad.sessionId), [first])
    },
  },
  {
    rule: 4,
    name: "two batches of one session in one call are kept in order",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const first = [
        createTextDelta(toSeq(lease, 1), runId, "a"),
        createEvent(toSeq(lease, 2), runId, stepStarted),
      ]
      const second = [createTextDelta(toSeq(lease, 3), runId, "b")]
      const outcomes = await log.commit([
        { lease, entries: first },
        { lease, entries: second },
      ])
      assert.deepEqual(outcomes, ["ok", "ok"])
      assert.deepEqual(await readAll(log, sessionId), [...first, ...second])
    },
  },
  {
    rule: 4,
    name: "commits that are not awaited keep their order",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const entries = Array.from({ length: 50 }, (_, n) =>
        createTextDelta(toSeq(lease, n + 1), runId, `${n}`),
      )
      const seen: number[] = []
      await Promise.all(
        entries.map(async (entry) => {
          await commitOk(log, { lease, entries: [entry] })
          seen.push(entry.seq)
        }),
      )
      assert.deepEqual(
        seen,
        entries.map(({ seq }) => seq),
      )
      assert.deepEqual(await readAll(log, sessionId), entries)
    },
  },
  {
    rule: 4,
    name: "an empty commit is not a failure",
    async run({ open }) {
      const { log } = await open()
      assert.deepEqual(await log.commit([]), [])
    },
  },
  {
    rule: 5,
    name: "events and deltas are read in the order of their numbers, from any number on",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, entries } = await mixedSession(log)
      for (const { seq } of [{ seq: 0 }, ...entries]) {
        const expected = entries.filter((entry) => entry.seq > seq)
        assert.deepEqual(await log.read(sessionId, { afterSeq: seq, limit: 1_000 }), expected)
      }
    },
  },
  {
    rule: 5,
    name: "reading page by page gives every entry once",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, entries } = await mixedSession(log)
      for (const limit of [1, 2, 3, 7]) assert.deepEqual(await readAll(log, sessionId, limit), entries)
    },
  },
  {
    rule: 5,
    name: "events can be read without the deltas",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, entries } = await mixedSession(log)
      const events = entries.filter(({ kind }) => kind === "event")
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 1_000, deltas: false }), events)
      const after = events[0]?.seq ?? 0
      const next = await log.read(sessionId, { afterSeq: after, limit: 1, deltas: false })
      assert.deepEqual(next, events.slice(1, 2))
    },
  },
  {
    rule: 5,
    name: "a page of thousands of entries is complete",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const large = "x".repeat(20_000)
      const entries: Entry[] = []
      for (let n = 1; n <= 1_000; n += 1) {
        entries.push(createTextDelta(toSeq(lease, 2 * n - 1), runId, n % 50 === 0 ? large : "small"))
        entries.push(createEvent(toSeq(lease, 2 * n), runId, { ...stepStarted, stepId: `step_${n}` }))
      }
      await commitOk(log, { lease, entries })
      assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 10_000 }), entries)
    },
  },
  {
    rule: null,
    name: "megabytes of deltas in one commit are read from any number within them",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, lease, entries } = await loggedDeltas(log, 20, "x".repeat(100_000))
      for (const after of [0, 10, 19, 20]) {
        const page = await log.read(sessionId, { afterSeq: toSeq(lease, after), limit: 100 })
        assert.deepEqual(page, entries.slice(after))
      }
    },
  },
  {
    rule: null,
    name: "a page ends with the row that reaches its bound of characters, and the next page continues after it",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, entries } = await loggedDeltas(log, 40, "x".repeat(10_000))
      const pages = await readPages(log, sessionId, { limit: 100, maxCharacters: 45_000 })
      // A row has little more than 32 768 characters.
      for (const page of pages) assert.ok(page.length <= 10, `${page.length} entries`)
      assert.deepEqual(pages.flat(), entries)
    },
  },
  {
    rule: null,
    name: "an empty or unknown log reads as empty",
    async run({ open }) {
      const { log } = await open()
      for (const sessionId of [await openSession(log), "sess_nobody"]) {
        assert.deepEqual(await log.read(sessionId, { afterSeq: 0, limit: 10 }), [])
        assert.equal(await log.stepStart(sessionId, Number.MAX_SAFE_INTEGER), 0)
        assert.equal(await log.runStart(sessionId, Number.MAX_SAFE_INTEGER), 0)
      }
    },
  },
  {
    rule: null,
    name: "entries keep every character",
    async run({ open }) {
      const { log } = await open()
      const { sessionId, runId, lease } = await startSession(log)
      const odd = 'nul \u0000, halves \ud800 and \udfff, emoji 👩‍👩‍👧, \\u0000 " \u2028 $1 ?'
      const entries = [
        createTextDelta(toSeq(lease, 1), runId, odd),
        createTextDelta(toSeq(lease, 2), runId, ""),
        createEvent(toSeq(lease, 3), runId, {
          type: "runFailed",
          code: odd,
          message: odd,
          usage: noTokens,
          cost: 0,
        }),
      ]
      await commitOk(log, { lease, entries })
      assert.deepEqual(await readAll(log, sessionId), entries)
    },
  },
]

const noTokens = { inputTokens: 0, outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }

/** Deltas of several kinds between events, over two runs and several commits. */
async function mixedSession(log: SessionLog): Promise<{ sessionId: string; entries: readonly Entry[] }> {
  const { sessionId, runId, lease } = await startSession(log)
  const output = { type: "toolOutput", stepId: "step_1", toolCallId: "call_1", toolName: "run" } as const
  const at = (n: number) => toSeq(lease, n)
  const first: Entry[] = [
    createTextDelta(at(1), runId, "a"),
    createTextDelta(at(2), runId, "b"),
    createTextDelta(at(4), runId, "c", "step_2"),
    createEvent(at(5), runId, stepStarted),
    { kind: "delta", seq: at(6), runId, delta: { ...output, stream: "stdout", text: "1", chunk: 0 } },
    { kind: "delta", seq: at(7), runId, delta: { ...output, stream: "stdout", text: "2", chunk: 1 } },
    { kind: "delta", seq: at(8), runId, delta: { ...output, stream: "stderr", text: "3", chunk: 2 } },
  ]
  const second: Entry[] = [
    {
      kind: "delta",
      seq: at(9),
      runId,
      delta: { type: "thinkingDelta", stepId: "step_2", messageId: "msg_1", part: 1, text: "h" },
    },
    createEvent(at(10), runId, stepCompleted),
    createEvent(at(11), runId, runFailed),
  ]
  await commitOk(log, { lease, entries: first })
  await commitOk(log, { lease, entries: second, runEnded: { runId, state: "failed" } })
  const next = requireAcceptedPut(await log.put(createMessage(sessionId)))
  const input = { type: "toolInput", stepId: "step_2", toolCallId: "call_2", toolName: "run" } as const
  const third: Entry[] = [
    createTextDelta(at(12), next.runId, "d"),
    createEvent(at(13), next.runId, stepStarted),
    { kind: "delta", seq: at(14), runId: next.runId, delta: { ...input, text: '{"a"' } },
    { kind: "delta", seq: at(15), runId: next.runId, delta: { ...input, text: ":1}" } },
  ]
  await commitOk(log, { lease, entries: third })
  return { sessionId, entries: [...first, ...second, ...third] }
}

async function readAll(log: SessionLog, sessionId: string, limit = 1_000): Promise<readonly Entry[]> {
  return (await readPages(log, sessionId, { limit })).flat()
}

async function readPages(
  log: SessionLog,
  sessionId: string,
  size: Pick<ReadOptions, "limit" | "maxCharacters">,
): Promise<readonly (readonly Entry[])[]> {
  const pages: (readonly Entry[])[] = []
  for (;;) {
    const page = await log.read(sessionId, { ...size, afterSeq: pages.at(-1)?.at(-1)?.seq ?? 0 })
    if (page.length === 0) return pages
    pages.push(page)
  }
}

/** Logs this number of deltas in one commit. */
async function loggedDeltas(log: SessionLog, count: number, text: string) {
  const { sessionId, runId, lease } = await startSession(log)
  const entries = Array.from({ length: count }, (_, index) =>
    createTextDelta(toSeq(lease, index + 1), runId, text),
  )
  await commitOk(log, { lease, entries })
  return { sessionId, lease, entries }
}
