import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import type { OwnedMemories } from "../../core/ports/store/memory.ts"
import type { PartCase } from "../session-log/fixtures.ts"
import { memoryBoundCases } from "./memory-bounds.ts"
import {
  bounds,
  createMemory,
  createMemoryScope,
  listNames,
  recallNames,
  rememberAll,
} from "./memory-fixtures.ts"

export const memoryCases: readonly PartCase[] = [
  {
    rule: null,
    name: "a memory is the value that was stored last under its type and name",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const origin = { sessionId: "sess_1", runId: "run_1" }
      const first = await memory.remember(
        createMemory(scope, "Ada", {
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
        createMemory(scope, "Ada", { entityType: "person", content: "Likes coffee." }),
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
      const scope = createMemoryScope()
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
        await rememberAll(memory, [
          createMemory(scope, text, { entityType: text, content: text, tags: [text] }),
        ])
        const found = await memory.get(scope, { entityType: text, name: text })
        assert.deepEqual(
          [found?.entityType, found?.name, found?.content, found?.tags],
          [text, text, text, [text]],
        )
      }
      // No text is a query that the database misunderstands.
      for (const text of texts) await memory.recall(scope, { text, limit: 10 })
      assert.deepEqual(await recallNames(memory, scope, { text: "drop table" }), ["'; DROP TABLE memory; --"])
    },
  },
  {
    rule: null,
    name: "principals, and agents of a principal, see only their own memories",
    async run({ open }) {
      const { memory } = await open()
      const shared = createMemoryScope()
      const scopes = [
        shared,
        { ...shared, agent: "one" },
        { ...shared, agent: "two" },
        { ...shared, tenant: "other" },
        createMemoryScope(),
      ]
      for (const [index, scope] of scopes.entries()) {
        await rememberAll(memory, [createMemory(scope, "secret", { content: `Secret number ${index}` })])
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
      assert.deepEqual(await listNames(memory, { ...shared, agent: "two" }), ["secret"])
      const { agent: _, ...principal } = shared
      assert.equal(await memory.forgetAll(principal), 1)
      for (const scope of scopes.slice(3)) assert.deepEqual(await listNames(memory, scope), ["secret"])
    },
  },
  {
    rule: null,
    name: "memories with the same name are forgotten together, with any types",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      for (const entityType of ["fact", "note"]) {
        await rememberAll(memory, [
          createMemory(scope, "a", { entityType }),
          createMemory(scope, "b", { entityType }),
        ])
      }
      await rememberAll(memory, [createMemory({ ...scope, agent: "one" }, "a")])
      assert.equal(await memory.forgetNamed(scope, "a"), 2)
      assert.equal(await memory.forgetNamed(scope, "a"), 0)
      assert.deepEqual(await listNames(memory, scope), ["b", "b"])
      assert.deepEqual(await recallNames(memory, scope, { text: "a" }), [])
      assert.deepEqual(await listNames(memory, { ...scope, agent: "one" }), ["a"])
    },
  },
  {
    rule: null,
    name: "recall finds words with any case, accents and endings, the rarest first",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      await rememberAll(memory, [
        createMemory(scope, "pet", { content: "The user has a dog called Bruno." }),
        createMemory(scope, "city", { content: "The user lives in Zürich." }),
        createMemory(scope, "work", { content: "The user is a gardener." }),
        createMemory(scope, "猫", { content: "ユーザーは東京に住んでいる" }),
      ])
      assert.deepEqual(await recallNames(memory, scope, { text: "DOGS?" }), ["pet"])
      assert.deepEqual(await recallNames(memory, scope, { text: "zurich" }), ["city"])
      assert.deepEqual(await recallNames(memory, scope, { text: "garden" }), ["work"])
      assert.deepEqual(await recallNames(memory, scope, { text: "東京" }), ["猫"])
      assert.deepEqual(await recallNames(memory, scope, { text: "bicycle" }), [])
      assert.deepEqual(await recallNames(memory, scope, { text: "?!" }), [])
      assert.equal((await recallNames(memory, scope, { text: "Which dog does the user have?" }))[0], "pet")
      assert.equal((await recallNames(memory, scope, { text: "the user", limit: 2 })).length, 2)
      await rememberAll(memory, [createMemory(scope, "Bruno", { content: "Barks at night." })])
      assert.deepEqual(await recallNames(memory, scope, { text: "bruno" }), ["Bruno", "pet"])
    },
  },
  {
    rule: null,
    name: "found memories have a score, the best first, and none without a text and a vector",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const vector = { model: "m", values: [1, 0] }
      await rememberAll(memory, [
        createMemory(scope, "dog", { content: "Bruno is a dog.", vector }),
        createMemory(scope, "walk", {
          content: "The dog walks at noon.",
          vector: { model: "m", values: [1, 1] },
        }),
        createMemory(scope, "other", { content: "Nothing of the kind." }),
      ])
      for (const query of [{ text: "dog" }, { text: "dog", vector }, { vector }]) {
        const found = await memory.recall(scope, { ...query, limit: 10 })
        assert.deepEqual(
          found.map(({ name }) => name),
          ["dog", "walk"],
        )
        const [first, second] = found.map(({ score }) => score ?? 0)
        assert.ok(Number(first) > Number(second) && Number(second) > 0)
      }
      const newest = await memory.recall(scope, { limit: 10 })
      assert.deepEqual(
        newest.map(({ score }) => score),
        [null, null, null],
      )
    },
  },
  {
    rule: null,
    name: "recall finds a memory's current content, and no forgotten memory",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      await rememberAll(memory, [createMemory(scope, "pet", { content: "A dog." })])
      await rememberAll(memory, [createMemory(scope, "pet", { content: "A cat." })])
      assert.deepEqual(await recallNames(memory, scope, { text: "dog" }), [])
      assert.deepEqual(await recallNames(memory, scope, { text: "cat" }), ["pet"])
      await memory.forget(scope, { entityType: "note", name: "pet" })
      assert.deepEqual(await recallNames(memory, scope, { text: "cat" }), [])
    },
  },
  {
    rule: null,
    name: "recall filters by type and tags, and returns the newest first without a text",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      await rememberAll(memory, [
        createMemory(scope, "first", { tags: ["red", "round"] }),
        createMemory(scope, "second", { tags: ["red"], entityType: "fact" }),
        createMemory(scope, "third", { tags: ["round", "red"], content: "first and third" }),
      ])
      assert.deepEqual(await recallNames(memory, scope, {}), ["third", "second", "first"])
      assert.deepEqual(await recallNames(memory, scope, { limit: 1 }), ["third"])
      assert.deepEqual(await recallNames(memory, scope, { tags: ["red", "round"] }), ["third", "first"])
      assert.deepEqual(await recallNames(memory, scope, { entityType: "fact" }), ["second"])
      assert.deepEqual(await recallNames(memory, scope, { text: "third", tags: ["round"] }), ["third"])
      assert.deepEqual(await recallNames(memory, scope, { text: "second", tags: ["round"] }), [])
      assert.deepEqual(await recallNames(memory, scope, { tags: ["blue"] }), [])
    },
  },
  {
    rule: null,
    name: "recall finds similar vectors of the same model, in addition to words",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const vector = (...values: readonly number[]) => ({ model: "small", values })
      await rememberAll(memory, [
        createMemory(scope, "near", { vector: vector(1, 0.1, 0) }),
        createMemory(scope, "far", { vector: vector(0, 0, 1) }),
        createMemory(scope, "other", { vector: { model: "large", values: [1, 0, 0] } }),
        createMemory(scope, "longer", { vector: vector(1, 0, 0, 0) }),
        createMemory(scope, "worded", { content: "A word." }),
      ])
      assert.deepEqual(await recallNames(memory, scope, { vector: vector(1, 0, 0) }), ["near"])
      const both = await recallNames(memory, scope, { vector: vector(1, 0, 0), text: "word" })
      assert.deepEqual([...both].sort(), ["near", "worded"])
      await rememberAll(memory, [createMemory(scope, "near")])
      assert.deepEqual(await recallNames(memory, scope, { vector: vector(1, 0, 0) }), [])
    },
  },
  {
    rule: null,
    name: "lists are ordered by type and name, page by page",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const keys = ["b/z", "a/B", "a/a", "a/é", "b/a"].map((key) => key.split("/"))
      for (const [entityType = "", name = ""] of keys) {
        await rememberAll(memory, [createMemory(scope, name, { entityType, tags: [entityType] })])
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
    name: "scopes with memories are listed once each, page by page, with their count",
    async run({ open }) {
      const { memory } = await open()
      const scope = createMemoryScope()
      const own = { ...scope, agent: "a\u0000b" }
      const other = { ...scope, userId: `${scope.userId}-other` }
      for (const each of [scope, own, other]) await rememberAll(memory, [createMemory(each, "one")])
      await rememberAll(memory, [createMemory(own, "two"), createMemory(scope, "gone", { ttlMs: 1 })])
      await delay(20)
      const listed: OwnedMemories[] = []
      for (;;) {
        const last = listed.at(-1)
        const page = await memory.owners({ limit: 2, ...(last !== undefined && { after: last }) })
        listed.push(...page)
        if (page.length < 2) break
      }
      // Other cases use the same store.
      const ours = listed.filter(
        ({ tenant, userId }) => tenant === scope.tenant && userId.startsWith(scope.userId),
      )
      assert.deepEqual(
        ours.map(({ updatedAt: _, ...each }) => each),
        [
          { ...scope, count: 1 },
          { ...own, count: 2 },
          { ...other, count: 1 },
        ],
      )
      assert.equal(new Set(listed.map((each) => JSON.stringify(each))).size, listed.length)
      const ofTenant = await memory.owners({ tenant: scope.tenant, after: scope, limit: 2 })
      assert.deepEqual(ofTenant, ours.slice(1))
      assert.deepEqual(await memory.owners({ tenant: "none", limit: 10 }), [])
      const { updatedAt } = (await memory.list(other, { limit: 1 })).memories[0] ?? { updatedAt: 0 }
      assert.equal(ours[2]?.updatedAt, updatedAt)
    },
  },
  ...memoryBoundCases,
]
