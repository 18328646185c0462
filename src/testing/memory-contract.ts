import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import { randomIds } from "../core/ids.ts"
import type { Memory, MemoryScope, NewMemory, RecallQuery, RememberOptions } from "../core/ports/memory.ts"
import { newSession, type SessionLogCase } from "./session-log-contract-fixtures.ts"

const bounds = { maxMemories: 100, maxBytes: 100_000 }

/** A scope of its own, so that cases do not meet. */
export function newMemoryScope(options: Partial<MemoryScope> = {}): MemoryScope {
  return { tenant: "tenant", userId: `user_${randomIds.next("key")}`, agent: null, ...options }
}

/** A memory that says what its name is, unless its content is given. */
export function newMemory(scope: MemoryScope, name: string, options: Partial<NewMemory> = {}): NewMemory {
  const rest = { entityType: "note", content: name, tags: [], origin: null, vector: null, ttlMs: null }
  return { scope, name, ...rest, ...options }
}

/** Stores memories that must be accepted, one after the other. */
export async function rememberAll(memory: Memory, memories: readonly NewMemory[]): Promise<void> {
  for (const each of memories) {
    const { status } = await memory.remember(each, { bounds })
    assert.ok(status === "created" || status === "updated", `The memory was not stored: ${status}.`)
  }
}

export async function recalledNames(
  memory: Memory,
  scope: MemoryScope,
  query: Partial<RecallQuery>,
): Promise<readonly string[]> {
  return (await memory.recall(scope, { limit: 10, ...query })).map(({ name }) => name)
}

async function namesIn(memory: Memory, scope: MemoryScope): Promise<readonly string[]> {
  return (await memory.list(scope, { limit: 100 })).memories.map(({ name }) => name)
}

export const memoryCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "a memory is what was stored last under its type and name",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const origin = { sessionId: "sess_1", runId: "run_1" }
      const first = await memory.remember(
        newMemory(scope, "Ada", {
          entityType: "person",
          content: "Likes tea.",
          tags: ["tea", "a\u0000b"],
          origin,
        }),
        { bounds },
      )
      assert.equal(first.status, "created")
      if (first.status !== "created") return
      const key = { entityType: "person", name: "Ada" }
      assert.deepEqual(await memory.get(scope, key), first.memory)
      assert.deepEqual(
        { ...first.memory, revision: "", createdAt: 0, updatedAt: 0 },
        {
          ...key,
          content: "Likes tea.",
          tags: ["tea", "a\u0000b"],
          origin,
          revision: "",
          createdAt: 0,
          updatedAt: 0,
          expiresAt: null,
        },
      )
      const second = await memory.remember(
        newMemory(scope, "Ada", { entityType: "person", content: "Likes coffee." }),
        {
          bounds,
        },
      )
      assert.equal(second.status, "updated")
      if (second.status !== "updated") return
      assert.deepEqual(second.replaced, first.memory)
      assert.notEqual(second.memory.revision, first.memory.revision)
      assert.equal(second.memory.createdAt, first.memory.createdAt)
      assert.deepEqual(second.memory.tags, [])
      assert.deepEqual(await memory.get(scope, key), second.memory)
      assert.equal(await memory.get(scope, { ...key, entityType: "place" }), null)
    },
  },
  {
    rule: null,
    name: "any text can be stored",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const texts = [
        "\u0000",
        "\ud800",
        "\\ud800",
        "'; DROP TABLE memory; --",
        '"a" OR *',
        "🦊",
        "x".repeat(8_000),
      ]
      for (const text of texts) {
        await rememberAll(memory, [newMemory(scope, text, { entityType: text, content: text, tags: [text] })])
        const found = await memory.get(scope, { entityType: text, name: text })
        assert.deepEqual(
          [found?.entityType, found?.name, found?.content, found?.tags],
          [text, text, text, [text]],
        )
      }
      // Nor is any text a query that the database misunderstands.
      for (const text of texts) await memory.recall(scope, { text, limit: 10 })
      assert.deepEqual(await recalledNames(memory, scope, { text: "drop table" }), [
        "'; DROP TABLE memory; --",
      ])
    },
  },
  {
    rule: null,
    name: "principals, and agents of a principal, see their own memories only",
    async run({ open }) {
      const { memory } = await open()
      const shared = newMemoryScope()
      const scopes = [
        shared,
        { ...shared, agent: "one" },
        { ...shared, agent: "two" },
        { ...shared, tenant: "other" },
        newMemoryScope(),
      ]
      for (const [index, scope] of scopes.entries()) {
        await rememberAll(memory, [newMemory(scope, "secret", { content: `Secret number ${index}` })])
      }
      const key = { entityType: "note", name: "secret" }
      for (const [index, scope] of scopes.entries()) {
        const content = `Secret number ${index}`
        assert.equal((await memory.get(scope, key))?.content, content)
        for (const query of [{ text: "secret" }, {}, { entityType: "note" }]) {
          const found = await memory.recall(scope, { ...query, limit: 10 })
          assert.deepEqual(
            found.map((each) => each.content),
            [content],
          )
        }
        assert.deepEqual(
          (await memory.list(scope, { limit: 10 })).memories.map((each) => each.content),
          [content],
        )
      }
      assert.equal(await memory.forget(shared, key), "forgotten")
      assert.equal(await memory.forget(shared, key), "unknown")
      assert.equal(await memory.forgetAll({ ...shared, agent: "one" }), 1)
      assert.deepEqual(await namesIn(memory, { ...shared, agent: "two" }), ["secret"])
      const { agent: _, ...principal } = shared
      assert.equal(await memory.forgetAll(principal), 1)
      for (const scope of scopes.slice(3)) assert.deepEqual(await namesIn(memory, scope), ["secret"])
    },
  },
  {
    rule: null,
    name: "memories with one name are forgotten together, whatever their types",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      for (const entityType of ["fact", "note"]) {
        await rememberAll(memory, [newMemory(scope, "a", { entityType }), newMemory(scope, "b", { entityType })])
      }
      await rememberAll(memory, [newMemory({ ...scope, agent: "one" }, "a")])
      assert.equal(await memory.forgetNamed(scope, "a"), 2)
      assert.equal(await memory.forgetNamed(scope, "a"), 0)
      assert.deepEqual(await namesIn(memory, scope), ["b", "b"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "a" }), [])
      assert.deepEqual(await namesIn(memory, { ...scope, agent: "one" }), ["a"])
    },
  },
  {
    rule: null,
    name: "recall finds words whatever their case, accents and endings, the rarest first",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      await rememberAll(memory, [
        newMemory(scope, "pet", { content: "The user has a dog called Bruno." }),
        newMemory(scope, "city", { content: "The user lives in Zürich." }),
        newMemory(scope, "work", { content: "The user is a gardener." }),
        newMemory(scope, "猫", { content: "ユーザーは東京に住んでいる" }),
      ])
      assert.deepEqual(await recalledNames(memory, scope, { text: "DOGS?" }), ["pet"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "zurich" }), ["city"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "garden" }), ["work"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "東京" }), ["猫"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "bicycle" }), [])
      assert.deepEqual(await recalledNames(memory, scope, { text: "?!" }), [])
      assert.equal((await recalledNames(memory, scope, { text: "Which dog does the user have?" }))[0], "pet")
      assert.equal((await recalledNames(memory, scope, { text: "the user", limit: 2 })).length, 2)
      await rememberAll(memory, [newMemory(scope, "Bruno", { content: "Barks at night." })])
      assert.deepEqual(await recalledNames(memory, scope, { text: "bruno" }), ["Bruno", "pet"])
    },
  },
  {
    rule: null,
    name: "recall finds what a memory says now, and no memory that was forgotten",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      await rememberAll(memory, [newMemory(scope, "pet", { content: "A dog." })])
      await rememberAll(memory, [newMemory(scope, "pet", { content: "A cat." })])
      assert.deepEqual(await recalledNames(memory, scope, { text: "dog" }), [])
      assert.deepEqual(await recalledNames(memory, scope, { text: "cat" }), ["pet"])
      await memory.forget(scope, { entityType: "note", name: "pet" })
      assert.deepEqual(await recalledNames(memory, scope, { text: "cat" }), [])
    },
  },
  {
    rule: null,
    name: "recall filters by type and tags, and without a text gives the newest first",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      await rememberAll(memory, [
        newMemory(scope, "first", { tags: ["red", "round"] }),
        newMemory(scope, "second", { tags: ["red"], entityType: "fact" }),
        newMemory(scope, "third", { tags: ["round", "red"], content: "first and third" }),
      ])
      assert.deepEqual(await recalledNames(memory, scope, {}), ["third", "second", "first"])
      assert.deepEqual(await recalledNames(memory, scope, { limit: 1 }), ["third"])
      assert.deepEqual(await recalledNames(memory, scope, { tags: ["red", "round"] }), ["third", "first"])
      assert.deepEqual(await recalledNames(memory, scope, { entityType: "fact" }), ["second"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "third", tags: ["round"] }), ["third"])
      assert.deepEqual(await recalledNames(memory, scope, { text: "second", tags: ["round"] }), [])
      assert.deepEqual(await recalledNames(memory, scope, { tags: ["blue"] }), [])
    },
  },
  {
    rule: null,
    name: "recall finds similar vectors of the same model, besides words",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const vector = (...values: readonly number[]) => ({ model: "small", values })
      await rememberAll(memory, [
        newMemory(scope, "near", { vector: vector(1, 0.1, 0) }),
        newMemory(scope, "far", { vector: vector(0, 0, 1) }),
        newMemory(scope, "other", { vector: { model: "large", values: [1, 0, 0] } }),
        newMemory(scope, "longer", { vector: vector(1, 0, 0, 0) }),
        newMemory(scope, "worded", { content: "A word." }),
      ])
      assert.deepEqual(await recalledNames(memory, scope, { vector: vector(1, 0, 0) }), ["near"])
      const both = await recalledNames(memory, scope, { vector: vector(1, 0, 0), text: "word" })
      assert.deepEqual([...both].sort(), ["near", "worded"])
      await rememberAll(memory, [newMemory(scope, "near")])
      assert.deepEqual(await recalledNames(memory, scope, { vector: vector(1, 0, 0) }), [])
    },
  },
  {
    rule: null,
    name: "lists are ordered by type and name, page by page",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const keys = ["b/z", "a/B", "a/a", "a/é", "b/a"].map((key) => key.split("/"))
      for (const [entityType = "", name = ""] of keys) {
        await rememberAll(memory, [newMemory(scope, name, { entityType, tags: [entityType] })])
      }
      const listed: string[] = []
      for (let after: { entityType: string; name: string } | undefined; ; ) {
        const page = await memory.list(scope, { limit: 2, ...(after !== undefined && { after }) })
        listed.push(...page.memories.map(({ entityType, name }) => `${entityType}/${name}`))
        if (page.next === null) break
        after = { ...page.next }
      }
      assert.deepEqual(listed, ["a/B", "a/a", "a/é", "b/a", "b/z"])
      const { memories } = await memory.list(scope, { limit: 1, tags: ["b"] })
      assert.deepEqual(
        memories.map(({ name }) => name),
        ["a"],
      )
    },
  },
  {
    rule: null,
    name: "a memory is replaced and forgotten only if it is still what was expected",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const key = { entityType: "note", name: "held" }
      const put = (content: string, expected: string | null) =>
        memory.remember(newMemory(scope, "held", { content }), { bounds, expected })
      assert.deepEqual(await put("early", "1.1"), { status: "changed" })
      assert.equal((await put("first", null)).status, "created")
      assert.deepEqual(await put("second", null), { status: "changed" })
      const stored = await memory.get(scope, key)
      assert.ok(stored !== null)
      assert.equal((await put("third", stored.revision)).status, "updated")
      assert.equal(await memory.forget(scope, key, { expected: stored.revision }), "changed")
      assert.equal((await memory.get(scope, key))?.content, "third")
      // A memory that is stored again after it was forgotten is another one.
      await memory.forget(scope, key)
      assert.equal((await put("first", null)).status, "created")
      assert.deepEqual(await put("fourth", stored.revision), { status: "changed" })
    },
  },
  {
    rule: null,
    name: "a principal's memories keep to the bounds, those of all agents together",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const put = (name: string, content: string, options: RememberOptions, agent: string | null = null) =>
        memory.remember(newMemory({ ...scope, agent }, name, { content, entityType: "n" }), options)
      const two = { bounds: { maxMemories: 2, maxBytes: 1_000 } }
      assert.equal((await put("a", "1", two)).status, "created")
      assert.equal((await put("b", "1", two, "one")).status, "created")
      assert.deepEqual(await put("c", "1", two), { status: "full", bound: "maxMemories" })
      assert.equal((await put("a", "2", two)).status, "updated")
      // Each memory has two bytes beside its content, which is in UTF-8.
      const ten = { bounds: { maxMemories: 100, maxBytes: 10 } }
      assert.deepEqual(await put("c", "äää", ten), { status: "full", bound: "maxBytes" })
      assert.equal((await put("c", "ä", ten)).status, "created")
      assert.deepEqual(await put("a", "222", ten), { status: "full", bound: "maxBytes" })
      // Bounds that were lowered still let a memory shrink.
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
    name: "of many memories stored at once, as many are accepted as the bounds allow",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const few = { bounds: { maxMemories: 5, maxBytes: 100_000 } }
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => memory.remember(newMemory(scope, `memory ${index}`), few)),
      )
      assert.equal(outcomes.filter(({ status }) => status === "created").length, 5)
      assert.equal((await namesIn(memory, scope)).length, 5)
    },
  },
  {
    rule: null,
    name: "of many writes that expect the same revision, one is stored",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          memory.remember(newMemory(scope, "raced", { content: `${index}` }), { bounds, expected: null }),
        ),
      )
      const stored = outcomes.filter(({ status }) => status === "created")
      assert.equal(stored.length, 1)
      assert.equal(outcomes.filter(({ status }) => status === "changed").length, 9)
    },
  },
  {
    rule: null,
    name: "an expired memory is as if it were not there, and is removed",
    async run({ open }) {
      const { memory } = await open()
      const scope = newMemoryScope()
      const key = { entityType: "note", name: "brief" }
      await rememberAll(memory, [newMemory(scope, "kept"), newMemory(scope, "brief", { ttlMs: 1 })])
      await delay(5)
      assert.equal(await memory.get(scope, key), null)
      assert.deepEqual(await recalledNames(memory, scope, { text: "brief" }), [])
      assert.deepEqual(await recalledNames(memory, scope, {}), ["kept"])
      assert.deepEqual(await namesIn(memory, scope), ["kept"])
      assert.equal(await memory.forget(scope, key), "unknown")
      // It counts neither against the bounds nor as the memory that another one replaces.
      const two = { bounds: { maxMemories: 2, maxBytes: 1_000 }, expected: null }
      assert.equal((await memory.remember(newMemory(scope, "brief", { ttlMs: 1 }), two)).status, "created")
      await delay(5)
      assert.ok((await memory.prune(1_000)) >= 1)
      assert.deepEqual(await namesIn(memory, scope), ["kept"])
    },
  },
  {
    rule: null,
    name: "nothing is stored from a session that was revoked",
    async run({ open }) {
      const { memory, log } = await open()
      const scope = newMemoryScope()
      const sessionId = await newSession(log)
      const origin = { sessionId, runId: "run_1" }
      await rememberAll(memory, [newMemory(scope, "before", { origin })])
      await log.revokeSession(sessionId, 2_000)
      const late = await memory.remember(newMemory(scope, "after", { origin }), { bounds })
      assert.deepEqual(late, { status: "revoked" })
      assert.deepEqual(await namesIn(memory, scope), ["before"])
    },
  },
]

/** For stores that several processes may open. */
export const sharedMemoryCases: readonly SessionLogCase[] = [
  {
    rule: null,
    name: "two processes keep to the bounds of a principal together, and see each other's memories",
    async run({ open }) {
      const stores = [await open(), await open()]
      const scope = newMemoryScope()
      const few = { bounds: { maxMemories: 7, maxBytes: 100_000 } }
      const outcomes = await Promise.all(
        stores.flatMap(({ memory }, process) =>
          Array.from({ length: 10 }, (_, index) =>
            memory.remember(newMemory(scope, `memory ${process} ${index}`), few),
          ),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === "created").length, 7)
      for (const { memory } of stores)
        assert.equal((await recalledNames(memory, scope, { text: "memory" })).length, 7)
    },
  },
  {
    rule: null,
    name: "memories outlive the process that stored them",
    async run({ open, crash }) {
      const first = await open()
      const scope = newMemoryScope()
      await rememberAll(first.memory, [newMemory(scope, "kept", { tags: ["red"] })])
      await crash(first)
      const { memory } = await open()
      assert.deepEqual(await recalledNames(memory, scope, { text: "kept", tags: ["red"] }), ["kept"])
    },
  },
]
