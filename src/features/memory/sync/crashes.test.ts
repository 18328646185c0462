import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { openSqliteStore } from "../../../adapters/stores/sqlite/open.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createMemories } from "../memories.ts"
import { resolveMemorySettings } from "../options.ts"
import { MarkdownSyncManager } from "./markdown-sync-manager.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const kills = 8
const count = 10

it("no manual edit is lost, whenever the synchronizing process is killed", async () => {
  const root = await mkdtemp(join(tmpdir(), "gateway-memory-crash-"))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const [path, folder] = [join(root, "store"), join(root, "memories")]
  const open = async () => {
    const store = await openSqliteStore({ path, clock: systemClock, logger })
    const scope = { tenant: "t", userId: "ada", agent: null }
    const memories = createMemories(scope, {
      store: store.memory,
      settings: resolveMemorySettings(true),
      logger,
    })
    return { store, memories, manager: new MarkdownSyncManager({ memories, folder }) }
  }
  const first = await open()
  for (let index = 0; index < count; index++) {
    await first.memories.remember({ name: `m${index}`, content: `Memory ${index}.` })
  }
  await first.manager.sync()
  await first.store.close()

  const edits: string[] = []
  for (let kill = 0; kill < kills; kill++) {
    const script = new URL("fixtures/sync-forever.ts", import.meta.url).pathname
    const child = spawn(process.execPath, [script, path, folder], { stdio: ["ignore", "pipe", "inherit"] })
    await once(child.stdout, "data")
    for (let index = 0; index < count; index++) {
      const edit = `edit-${kill}-${index}.`
      const file = join(folder, `note/m${index}.md`)
      // Editors write a new file and rename it to the old name. While they do so, there may be no file with that
      // name.
      const former = await readFile(file, "utf8").catch(() => "")
      await writeFile(join(root, "edited"), `${former}\n${edit}\n`)
      await rename(join(root, "edited"), file)
      edits.push(edit)
      await delay(Math.random() * 5)
    }
    child.kill("SIGKILL")
    await once(child, "exit")
  }

  const last = await open()
  await last.manager.sync()
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".md"))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))
  const { memories: stored } = await last.memories.list({ limit: 200 })
  await last.store.close()
  const all = [...texts, ...stored.map(({ content }) => content)].join("\n")
  expect(edits.length).toBeGreaterThan(0)
  expect(edits.filter((edit) => !all.includes(edit))).toEqual([])
  expect(stored.length).toBe(count)
})
