import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import type { RememberOptions } from "../../core/ports/store/memory.ts"
import { openSession, type PartCase } from "../session-log/fixtures.ts"
import {
  bounds,
  createMemory,
  createMemoryScope,
  listNames,
  recallNames,
  rememberAll,
} from "./memory-fixtures.ts"

export const memoryBoundCases: readonly PartCase[] = [
  {
    rule: null,
    name: "a memory is replaced and forgotten only if it still has the expected revision",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const key = { entityType: "note", name: "held" }
      const put = (content: string, expected: string | null) =>
        memory.remember(createMemory(scope, "held", { content }), { bounds, expected })
      assert.deepEqual(await put("early", "1.1"), { status: "changed" })
      assert.equal((await put("first", null)).status, "created")
      assert.deepEqual(await put("second", null), { status: "changed" })
      const stored = await memory.get(scope, key)
      assert.ok(stored !== null)
      assert.equal((await put("third", stored.revision)).status, "updated")
      assert.equal(await memory.forget(scope, key, { expected: stored.revision }), "changed")
      assert.equal((await memory.get(scope, key))?.content, "third")
      // A memory that is stored again after its removal is a new memory.
      await memory.forget(scope, key)
      assert.equal((await put("first", null)).status, "created")
      assert.deepEqual(await put("fourth", stored.revision), { status: "changed" })
    },
  },
  {
    rule: null,
    name: "a principal's memories stay within the bounds, those of all agents together",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const put = (name: string, content: string, options: RememberOptions, agent: string | null = null) =>
        memory.remember(createMemory({ ...scope, agent }, name, { content, entityType: "n" }), options)
      const two = { bounds: { maxMemories: 2, maxBytes: 1_000 } }
      assert.equal((await put("a", "1", two)).status, "created")
      assert.equal((await put("b", "1", two, "one")).status, "created")
      assert.deepEqual(await put("c", "1", two), { status: "full", bound: "maxMemories" })
      assert.equal((await put("a", "2", two)).status, "updated")
      // Each memory has two bytes in addition to its content, which is in UTF-8.
      const ten = { bounds: { maxMemories: 100, maxBytes: 10 } }
      assert.deepEqual(await put("c", "äää", ten), { status: "full", bound: "maxBytes" })
      assert.equal((await put("c", "ä", ten)).status, "created")
      assert.deepEqual(await put("a", "222", ten), { status: "full", bound: "maxBytes" })
      // Lowered bounds still let a memory shrink.
      const one = { bounds: { maxMemories: 1, maxBytes: 1 } }
      assert.equal((await put("c", "x", one)).status, "updated")
      assert.deepEqual(await put("d", "", one), { status: "full", bound: "maxMemories" })
      await memory.forget({ ...scope, agent: "one" }, { entityType: "n", name: "b" })
      assert.equal((await put("d", "1", two)).status, "full")
      await memory.forget(scope, { entityType: "n", name: "a" })
      assert.equal((await put("d", "1", two)).status, "created")
    },
  },
  {
    rule: null,
    name: "of many concurrent memories, as many are accepted as the bounds allow",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const few = { bounds: { maxMemories: 5, maxBytes: 100_000 } }
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          memory.remember(createMemory(scope, `memory ${index}`), few),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === "created").length, 5)
      assert.equal((await listNames(memory, scope)).length, 5)
    },
  },
  {
    rule: null,
    name: "of many writes with the same expected revision, one is stored",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          memory.remember(createMemory(scope, "raced", { content: `${index}` }), { bounds, expected: null }),
        ),
      )
      const stored = outcomes.filter(({ status }) => status === "created")
      assert.equal(stored.length, 1)
      assert.equal(outcomes.filter(({ status }) => status === "changed").length, 9)
    },
  },
  {
    rule: null,
    name: "an expired memory is treated as missing, and is removed",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const key = { entityType: "note", name: "brief" }
      await rememberAll(memory, [createMemory(scope, "kept"), createMemory(scope, "brief", { ttlMs: 1 })])
      await delay(5)
      assert.equal(await memory.get(scope, key), null)
      assert.deepEqual(await recallNames(memory, scope, { text: "brief" }), [])
      assert.deepEqual(await recallNames(memory, scope, {}), ["kept"])
      assert.deepEqual(await listNames(memory, scope), ["kept"])
      assert.equal(await memory.forget(scope, key), "unknown")
      // The expired memory counts neither against the bounds nor as the memory to replace.
      const two = { bounds: { maxMemories: 2, maxBytes: 1_000 }, expected: null }
      assert.equal((await memory.remember(createMemory(scope, "brief", { ttlMs: 1 }), two)).status, "created")
      await delay(5)
      assert.ok((await memory.prune(1_000)) >= 1)
      assert.deepEqual(await listNames(memory, scope), ["kept"])
    },
  },
  {
    rule: null,
    name: "a revoked session stores no memory",
    async run({ open }) {
      const { memory, log } = await open()
      const scope = createMemoryScope()
      const sessionId = await openSession(log)
      const origin = { sessionId, runId: "run_1" }
      await rememberAll(memory, [createMemory(scope, "before", { origin })])
      await log.revokeSession(sessionId, 2_000)
      const late = await memory.remember(createMemory(scope, "after", { origin }), { bounds })
      assert.deepEqual(late, { status: "revoked" })
      assert.deepEqual(await listNames(memory, scope), ["before"])
    },
  },
]

/** Cases for stores that several processes may open. */
export const sharedMemoryCases: readonly PartCase[] = [
  {
    rule: null,
    name: "two processes keep the bounds of a principal together, and see each other's memories",
    async run({ open }) {
      const stores = [await open(), await open()]
      const scope = createMemoryScope()
      const few = { bounds: { maxMemories: 7, maxBytes: 100_000 } }
      const outcomes = await Promise.all(
        stores.flatMap(({ memory }, process) =>
          Array.from({ length: 10 }, (_, index) =>
            memory.remember(createMemory(scope, `memory ${process} ${index}`), few),
          ),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === "created").length, 7)
      for (const { memory } of stores)
        assert.equal((await recallNames(memory, scope, { text: "memory" })).length, 7)
    },
  },
  {
    rule: null,
    name: "memories survive the process that stored them",
    async run({ open, crash }) {
      const first = await open()
      const scope = createMemoryScope()
      await rememberAll(first.memory, [createMemory(scope, "kept", { tags: ["red"] })])
      await crash(first)
      const { memory } = await open()
      assert.deepEqual(await recallNames(memory, scope, { text: "kept", tags: ["red"] }), ["kept"])
    },
  },
]
