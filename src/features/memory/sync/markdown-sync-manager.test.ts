import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { WholeStore } from "../../../core/ports/store/store.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createMemories, type Memories } from "../memories.ts"
import { resolveMemorySettings } from "../options.ts"
import { toEntityPath } from "./entity-file.ts"
import { MarkdownSyncManager } from "./markdown-sync-manager.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let store: WholeStore
let folder: string
let memories: Memories
let manager: MarkdownSyncManager

beforeEach(async () => {
  store = await openMemoryStore({ clock: systemClock, logger })
  folder = await mkdtemp(join(tmpdir(), "gateway-memory-"))
  const scope = { tenant: "t", userId: "ada", agent: null }
  memories = createMemories(scope, { store: store.memory, settings: resolveMemorySettings(true), logger })
  manager = new MarkdownSyncManager({ memories, folder })
})

afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

const nothing = {
  imported: [],
  exported: [],
  forgotten: [],
  removed: [],
  restored: [],
  conflicts: [],
  problems: [],
}
const key = { name: "bruno", entityType: "pet" }
const path = "pet/bruno.md"

async function write(file: string, text: string): Promise<void> {
  await mkdir(join(folder, file, ".."), { recursive: true })
  await writeFile(join(folder, file), text)
}

const read = (file: string) => readFile(join(folder, file), "utf8")
const edit = async (file: string, from: string, to: string) =>
  write(file, (await read(file)).replace(from, to))
const contentOf = async (wanted = key) => (await memories.get(wanted))?.content

async function visibleFiles(): Promise<readonly string[]> {
  const all = await readdir(folder, { recursive: true })
  return all
    .filter((each) => each.endsWith(".md"))
    .map((each) => each.replaceAll("\\", "/"))
    .sort()
}

async function synced(): Promise<void> {
  await memories.remember({ ...key, content: "A dog.", tags: ["family"] })
  expect(await manager.sync()).toEqual({ ...nothing, exported: [path] })
}

describe("a change on one side", () => {
  it("is copied to the other side once", async () => {
    await synced()
    expect(await read(path)).toBe(
      '<!-- gateway-memory: {"entity_type":"pet","name":"bruno","tags":["family"]} -->\n\nA dog.\n',
    )
    expect(await manager.sync()).toEqual(nothing)
    await edit(path, "A dog.", "An old dog.")
    expect(await manager.sync()).toEqual({ ...nothing, imported: [path] })
    expect(await memories.get(key)).toMatchObject({ content: "An old dog.", tags: ["family"] })
    await memories.update({ ...key, content: "A very old dog.", tags: [] })
    expect(await manager.sync()).toEqual({ ...nothing, exported: [path] })
    expect(await read(path)).toContain("A very old dog.")
    expect(await manager.sync()).toEqual(nothing)
  })

  it("may be a new file without a header, in a folder or not", async () => {
    await write("person/Grace.md", "Writes compilers.\n")
    await write("plan.md", "Move to Bern.")
    expect((await manager.sync()).imported).toEqual(["person/Grace.md", "plan.md"])
    expect(await contentOf({ name: "Grace", entityType: "person" })).toBe("Writes compilers.")
    expect(await contentOf({ name: "plan", entityType: "note" })).toBe("Move to Bern.")
    // The file of an imported memory keeps its path.
    await memories.update({ name: "Grace", entityType: "person", content: "Retired." })
    expect((await manager.sync()).exported).toEqual(["person/Grace.md"])
  })

  it("may be a deletion", async () => {
    await synced()
    await rm(join(folder, path))
    expect(await manager.sync()).toEqual({ ...nothing, forgotten: [path] })
    expect(await contentOf()).toBeUndefined()
    await synced()
    await memories.forget(key)
    expect(await manager.sync()).toEqual({ ...nothing, removed: [path] })
    expect(await visibleFiles()).toEqual([])
  })

  it("may be a new name of the file", async () => {
    await synced()
    await mkdir(join(folder, "animals"))
    await rename(join(folder, path), join(folder, "animals/dog.md"))
    expect(await manager.sync()).toEqual(nothing)
    await memories.update({ ...key, content: "Barks." })
    expect((await manager.sync()).exported).toEqual(["animals/dog.md"])
  })

  it("is not a deletion if a folder disappears together with its state", async () => {
    await synced()
    await rm(folder, { recursive: true })
    expect(await manager.sync()).toEqual({ ...nothing, exported: [path] })
    expect(await contentOf()).toBe("A dog.")
  })
})

describe("a conflict", () => {
  async function inConflict(): Promise<string> {
    await synced()
    await edit(path, "A dog.", "A brown dog.")
    await memories.update({ ...key, content: "A dog, afraid of thunder." })
    const { conflicts, ...others } = await manager.sync()
    expect(others).toEqual({
      imported: [],
      exported: [],
      forgotten: [],
      removed: [],
      restored: [],
      problems: [],
    })
    expect(conflicts).toEqual([
      { path, conflictPath: expect.stringMatching(/^pet\/bruno\.conflict-[0-9a-f]{8}\.md$/) },
    ])
    return conflicts[0]?.conflictPath ?? ""
  }

  it("keeps both sides, and is reported until it is resolved", async () => {
    const beside = await inConflict()
    expect(await read(path)).toContain("A brown dog.")
    expect(await read(beside)).toContain("afraid of thunder")
    expect(await contentOf()).toBe("A dog, afraid of thunder.")
    expect((await manager.sync()).conflicts).toEqual([{ path, conflictPath: beside }])
    await edit(path, "A brown dog.", "A brown dog, afraid of thunder.")
    await rm(join(folder, beside))
    expect(await manager.sync()).toEqual({ ...nothing, imported: [path] })
    expect(await contentOf()).toBe("A brown dog, afraid of thunder.")
    expect(await manager.sync()).toEqual(nothing)
  })

  it("keeps later changes on both sides as well", async () => {
    const beside = await inConflict()
    await memories.update({ ...key, content: "Afraid of cats too." })
    const { conflicts } = await manager.sync()
    expect(conflicts).toHaveLength(1)
    expect(conflicts[0]?.conflictPath).not.toBe(beside)
    expect(await visibleFiles()).toHaveLength(3)
    for (const each of await visibleFiles()) if (each.includes("conflict")) await rm(join(folder, each))
    await memories.update({ ...key, content: "And of rain." })
    expect((await manager.sync()).conflicts).toHaveLength(1)
  })

  it("exists if both sides are new and differ, and not if they are equal", async () => {
    await memories.remember({ ...key, content: "A dog." })
    await write(path, "A cat.")
    expect((await manager.sync()).conflicts).toHaveLength(1)
    await memories.remember({ name: "same", content: "The same." })
    await write("note/same.md", "The same.\n")
    expect((await manager.sync()).problems).toEqual([])
    expect(await read("note/same.md")).toBe("The same.\n")
  })

  it("between an edit and a forgotten memory does not store the memory again", async () => {
    await synced()
    await edit(path, "A dog.", "A brown dog.")
    await memories.forgetAll()
    const { conflicts } = await manager.sync()
    expect(conflicts).toEqual([{ path, conflictPath: "pet/bruno.conflict-forgotten.md" }])
    expect(await contentOf()).toBeUndefined()
    await rm(join(folder, "pet/bruno.conflict-forgotten.md"))
    expect((await manager.sync()).imported).toEqual([path])
    expect(await contentOf()).toBe("A brown dog.")
  })

  it("between a deletion and a changed memory restores the file", async () => {
    await synced()
    await rm(join(folder, path))
    await memories.update({ ...key, content: "A new dog." })
    expect(await manager.sync()).toEqual({ ...nothing, restored: [path] })
    expect(await read(path)).toContain("A new dog.")
  })
})

describe("hostile names and files", () => {
  it.each([
    ["../../etc", "passwd"],
    ["/etc/passwd", "x"],
    ["..", ".."],
    [".hidden", "CON"],
    ["a\u0000b", "a/b\\c"],
    ["🦊", "x".repeat(200)],
    ["a --> b", "name --> <!-- x"],
    ["a.conflict-1", "b.conflict-2"],
  ])("the memory %j %j stays in the folder and is read back unchanged", async (entityType, name) => {
    const content = "--> text\n<!-- gateway-memory: {} -->"
    await memories.remember({ name, entityType: entityType.slice(0, 64), content })
    const { exported, problems } = await manager.sync()
    expect(problems).toEqual([])
    expect(exported).toHaveLength(1)
    expect(exported[0]).toMatch(/^[^./\\][^/\\]*\/[^./\\][^/\\]*\.md$/)
    expect(await visibleFiles()).toEqual(exported)
    await edit(exported[0] ?? "", "--> text", "--> edited")
    expect((await manager.sync()).imported).toEqual(exported)
    const stored = await memories.get({ name, entityType: entityType.slice(0, 64) })
    expect(stored?.content).toBe("--> edited\n<!-- gateway-memory: {} -->")
  })

  it("two memories never have the same path, even if only case or punctuation differs", () => {
    const names = ["ada", "Ada", "ADA", "a da", "a-da", "a_da", "ada.", "ada-", "é", "e\u0301", "É"]
    const paths = names.flatMap((name) =>
      ["note", "Note"].map((entityType) => toEntityPath({ name, entityType })),
    )
    const folded = paths.map((each) => each.normalize("NFC").toLowerCase())
    expect(new Set(folded).size).toBe(paths.length)
  })

  it("follows no links, neither to read nor to write", async () => {
    const outside = await mkdtemp(join(tmpdir(), "gateway-outside-"))
    try {
      await writeFile(join(outside, "secret.md"), "Secret.")
      await symlink(join(outside, "secret.md"), join(folder, "link.md"))
      await symlink(outside, join(folder, "pet"))
      await memories.remember({ ...key, content: "A dog." })
      const { imported, problems } = await manager.sync()
      expect(imported).toEqual([])
      expect(problems).toEqual([{ path, problem: "its folder is a link" }])
      expect(await readdir(outside)).toEqual(["secret.md"])
    } finally {
      await rm(outside, { recursive: true })
    }
  })

  it("a link, a pipe or an unreadable entry in place of a file is not a deletion", async () => {
    await synced()
    const file = join(folder, path)
    const spoil = [
      () => symlink("/etc/passwd", file),
      async () => void execFileSync("mkfifo", [file]),
      () => mkdir(file),
      () => writeFile(file, "x".repeat(100_000)),
      () => writeFile(file, new Uint8Array([0xff, 0xfe, 0x00])),
      () => writeFile(file, "<!-- gateway-memory: {broken -->\ntext"),
      () => writeFile(file, ""),
    ]
    for (const make of spoil) {
      await rm(file, { recursive: true, force: true })
      await make()
      const { problems, ...others } = await manager.sync()
      expect(problems).toEqual([{ path, problem: expect.any(String) }])
      expect(Object.values(others).flat()).toEqual([])
      expect(await contentOf()).toBe("A dog.")
    }
  })

  it("two files of one memory are a problem, and the known one counts", async () => {
    await synced()
    await write("copy.md", await read(path))
    const { problems } = await manager.sync()
    expect(problems).toEqual([{ path: "copy.md", problem: `${path} is a file of the same memory` }])
  })

  it("an invalid memory is a problem, and the file stays", async () => {
    await write("note/long.md", "x".repeat(9_000))
    const { problems, imported } = await manager.sync()
    expect([imported, problems.map((each) => each.path)]).toEqual([[], ["note/long.md"]])
    expect(await visibleFiles()).toEqual(["note/long.md"])
  })

  it("refuses an unreadable state, and changes nothing", async () => {
    await synced()
    await writeFile(join(folder, ".gateway-memory.json"), "{")
    await expect(manager.sync()).rejects.toMatchObject({ code: "sync_state_unreadable" })
  })
})

describe("crashes and concurrent processes", () => {
  it("a file that a crash left set aside is restored", async () => {
    await synced()
    await rename(join(folder, path), join(folder, "pet/.bruno.md.gateway-old"))
    await writeFile(join(folder, "pet/.bruno.md.gateway-tmp"), "half")
    expect(await manager.sync()).toEqual(nothing)
    expect(await readdir(join(folder, "pet"))).toEqual(["bruno.md"])
  })

  it("an edit that a crash left set aside is kept, and one that both sides already have is not", async () => {
    await synced()
    await writeFile(join(folder, "pet/.bruno.md.gateway-old"), await read(path))
    expect(await manager.sync()).toEqual(nothing)
    await writeFile(join(folder, "pet/.bruno.md.gateway-old"), "A late edit.")
    const { problems } = await manager.sync()
    expect(await read(problems[0]?.path ?? "")).toBe("A late edit.")
  })

  it("a crash before the state was written changes nothing twice", async () => {
    await synced()
    const state = await readFile(join(folder, ".gateway-memory.json"))
    await edit(path, "A dog.", "A brown dog.")
    await memories.remember({ name: "new", content: "New." })
    await manager.sync()
    await writeFile(join(folder, ".gateway-memory.json"), state)
    expect(await manager.sync()).toEqual(nothing)
  })

  it("several managers of one folder take turns", async () => {
    for (let index = 0; index < 10; index++) {
      await memories.remember({ name: `stored ${index}`, content: "Stored." })
      await write(`note/file-${index}.md`, "Written.")
    }
    const managers = Array.from({ length: 4 }, () => new MarkdownSyncManager({ memories, folder }))
    const reports = await Promise.all(managers.map((each) => each.sync()))
    expect(reports.flatMap(({ problems, conflicts }) => [...problems, ...conflicts])).toEqual([])
    expect(reports.flatMap(({ imported }) => imported)).toHaveLength(10)
    expect(reports.flatMap(({ exported }) => exported)).toHaveLength(10)
    expect((await memories.list({ limit: 100 })).memories).toHaveLength(20)
  })

  it("loses no edit that is made during its work", async () => {
    await synced()
    let edits = 0
    const editing = async () => {
      for (; edits < 30; edits++) await write(path, `Edit ${edits}.`)
    }
    const syncing = async () => {
      while (edits < 30) await manager.sync()
    }
    await Promise.all([editing(), syncing()])
    await manager.sync()
    expect(await read(path)).toContain("Edit 29.")
    expect(await contentOf({ name: "bruno", entityType: "pet" })).toBe("Edit 29.")
  })

  it("watches until it is stopped", async () => {
    const reports: unknown[] = []
    await memories.remember({ ...key, content: "A dog." })
    const watching = manager.watch({
      intervalSeconds: 0.01,
      onReport(report) {
        reports.push(report)
        manager.stop()
      },
    })
    await watching
    expect(reports).toHaveLength(1)
    await expect(manager.sync({ signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no")
  })

  it("keeps watching if its callbacks fail later", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined)
    onTestFinished(() => warn.mockRestore())
    await memories.remember({ ...key, content: "A dog." })
    const errors: string[] = []
    await manager.watch({
      intervalSeconds: 0.01,
      onReport: async () => {
        await memories.remember({ ...key, content: "A cat." })
        throw new Error("full disk")
      },
      onError: async ({ message }) => {
        errors.push(message)
        if (errors.length === 2) setImmediate(() => manager.stop())
        throw new Error("no terminal")
      },
    })
    expect(errors).toEqual(["full disk", "full disk"])
    expect(warn).toHaveBeenCalledWith("onError failed: no terminal")
  })
})
