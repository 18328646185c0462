import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { randomIds } from "../../core/ids.ts"
import { type Content, contentChunkBytes } from "../../core/ports/store/contents.ts"
import type { PartCase } from "../session-log/fixtures.ts"
import {
  claimSession,
  commitOk,
  createEvent,
  createMessage,
  openSession,
  requireAcceptedPut,
  runFailed,
  toSeq,
} from "../session-log/fixtures.ts"

const roomy = { sessionBytes: 10_000_000 }

function contentOf(bytes: Uint8Array): Content {
  const chunks: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += contentChunkBytes)
    chunks.push(bytes.subarray(start, start + contentChunkBytes))
  return { id: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length, chunks }
}

/** Returns non-repeating bytes, which include zeros and halves of characters. */
function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) % 256)
}

export const contentsCases: readonly PartCase[] = [
  {
    rule: null,
    name: "a content is read back unchanged, chunk by chunk to its last byte",
    async run({ open }) {
      const { log, contents } = await open()
      const sessionId = await openSession(log)
      const bytes = bytesOf(2 * contentChunkBytes + 5)
      const content = contentOf(bytes)
      assert.equal(await contents.hasAny(sessionId), false)
      assert.equal(await contents.size(sessionId, content.id), null)
      assert.equal(await contents.put(sessionId, content, roomy), "stored")
      assert.equal(await contents.size(sessionId, content.id), bytes.length)
      const chunks = await Promise.all(
        [0, 1, 2].map((number) => contents.chunk(sessionId, content.id, number)),
      )
      assert.deepEqual(Buffer.concat(chunks.filter((chunk) => chunk !== null)), Buffer.from(bytes))
      assert.equal(await contents.chunk(sessionId, content.id, 3), null)
      assert.equal(await contents.hasAny(sessionId), true)
    },
  },
  {
    rule: null,
    name: "a content belongs to its session alone",
    async run({ open }) {
      const { log, contents } = await open()
      const content = contentOf(bytesOf(10))
      await contents.put(await openSession(log), content, roomy)
      const other = await openSession(log)
      assert.equal(await contents.size(other, content.id), null)
      assert.equal(await contents.chunk(other, content.id, 0), null)
      assert.equal(await contents.put("sess_unknown", content, roomy), "unknown")
    },
  },
  {
    rule: null,
    name: "equal contents are stored and counted once, even if they are put concurrently",
    async run({ open }) {
      const { log, contents } = await open()
      for (let round = 1; round <= 20; round += 1) {
        const sessionId = await openSession(log)
        const content = contentOf(bytesOf(contentChunkBytes + 1, round))
        const limits = { sessionBytes: content.bytes + 10 }
        // Each put starts while an earlier one is at another step.
        const puts = Array.from({ length: 4 }, async (_, index) => {
          for (let turn = 0; turn < index * round; turn += 1) await contents.hasAny(sessionId)
          return contents.put(sessionId, content, limits)
        })
        assert.deepEqual(await Promise.all(puts), ["stored", "stored", "stored", "stored"])
        assert.equal(await contents.put(sessionId, contentOf(bytesOf(10, 2)), limits), "stored")
      }
    },
  },
  {
    rule: null,
    name: "the contents of a session are bounded, and count as stored bytes of its principal",
    async run({ open }) {
      const { log, contents } = await open()
      const principal = { tenant: randomIds.next("key"), userId: "ada" }
      const sessionId = randomIds.next("sess")
      await log.createSession({ id: sessionId, ...principal, agent: "agent", createdAt: await log.now() })
      const before = await log.storedBytes(principal)
      assert.equal(await contents.put(sessionId, contentOf(bytesOf(900)), { sessionBytes: 1_000 }), "stored")
      const more = contentOf(bytesOf(200, 3))
      assert.equal(await contents.put(sessionId, more, { sessionBytes: 1_000 }), "full")
      assert.equal(await contents.size(sessionId, more.id), null)
      assert.equal((await log.storedBytes(principal)) - before, 900)
    },
  },
  {
    rule: null,
    name: "contents are removed with their session",
    async run({ open }) {
      const { log, contents } = await open()
      const sessionId = await openSession(log)
      const content = contentOf(bytesOf(contentChunkBytes + 1))
      await contents.put(sessionId, content, roomy)
      const { runId } = requireAcceptedPut(await log.put(createMessage(sessionId)))
      const lease = await claimSession(log, sessionId)
      const entries = [createEvent(toSeq(lease, 1), runId, runFailed)]
      await commitOk(log, { lease, entries, runEnded: { runId, state: "failed" } })
      await log.release(lease, { force: true })
      await log.prune({ deltasSettledBefore: 0, sessionsUsedBefore: Number.MAX_SAFE_INTEGER })
      assert.equal(await contents.size(sessionId, content.id), null)
      assert.equal(await contents.chunk(sessionId, content.id, 0), null)
      assert.equal(await contents.put(sessionId, content, roomy), "unknown")
    },
  },
]
