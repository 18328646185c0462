import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { promisify } from "node:util"
import { expect, onTestFinished, test } from "vitest"
import { createAgent } from "../../src/index.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

const root = join(import.meta.dirname, "../..")

/** Returns the script of the page that moves memories. */
function readScript(): string {
  const page = readFileSync(join(root, "docs/migration.md"), "utf8")
  const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code)
  const script = blocks.find((code) => code.includes("node:sqlite")) ?? ""
  return script.replace('"ai-agent-gateway"', JSON.stringify(join(root, "src/index.ts")))
}

/** Creates the file of a `MemoryStore` of the Python package. */
function createOldStore(path: string): void {
  const old = new DatabaseSync(path)
  old.exec(`
    CREATE TABLE entities (
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, entity_type TEXT NOT NULL, content TEXT NOT NULL,
      embedding BLOB, created_at REAL NOT NULL, updated_at REAL NOT NULL, UNIQUE(name, entity_type)
    );
    CREATE TABLE entity_tags (entity_id INTEGER NOT NULL, tag TEXT NOT NULL, UNIQUE(entity_id, tag));
  `)
  const insert = old.prepare("INSERT INTO entities VALUES (?, ?, 'note', ?, NULL, 1, 1)")
  insert.run(1, "long", "🦊".repeat(2_100))
  insert.run(2, "crowded", "It has too many tags.")
  insert.run(3, "short", "Tea.")
  const tag = old.prepare("INSERT INTO entity_tags VALUES (?, ?)")
  for (let index = 0; index < 17; index += 1) tag.run(2, `tag ${index}`)
  tag.run(3, "drink")
  old.close()
}

test("the script of the page moves long contents in parts, and names what it cannot store", async () => {
  const folder = await temporaryFolder()
  createOldStore(join(folder, "memory.db"))
  const script = join(folder, "move.ts")
  await writeFile(script, readScript())
  const { stderr } = await promisify(execFile)(process.execPath, [script], { cwd: folder })
  expect(stderr).toMatch(/Not stored: crowded: .*at most 16 tags/)
  expect(stderr).not.toMatch(/Not stored: (long|short)/)
  const gateway = createAgent("", { provider: "demo", store: join(folder, ".agent-gateway") })
  onTestFinished(() => gateway.close())
  const { memories } = await gateway.memory.of({ userId: "ada" }).list()
  const fox = (count: number) => "🦊".repeat(count)
  expect(memories.map(({ name, content, tags }) => [name, content, tags])).toEqual([
    ["long", fox(2_000), []],
    ["long (2)", fox(100), []],
    ["short", "Tea.", ["drink"]],
  ])
})
