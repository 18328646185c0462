import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { ConfigurationError } from "../../../../core/errors.ts"
import { findNewestVersion } from "../../rules/schema-versions.ts"
import { migrate } from "../migrate.ts"
import { openSqliteStore } from "../open.ts"
import { schema } from "../schema.ts"
import { openDatabase } from "./database.ts"

const ignore = () => undefined
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const clock = { now: () => 1_000 }
const open = (path: string) => openSqliteStore({ path, clock, logger })

let directory = ""
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function refusal(path: string): Promise<string> {
  const error: unknown = await open(path).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ConfigurationError)
  const { message } = error as ConfigurationError
  expect(message).not.toContain("\n")
  return message
}

test("the directory and its files are readable only by their owner", async () => {
  const path = join(directory, "deep", "data")
  const store = await open(path)
  await store.keyring.signingKey()
  const modes = ["", "processes", "gateway.db", "gateway.db-wal"].map(
    (name) => statSync(join(path, name)).mode & 0o777,
  )
  expect(modes).toEqual([0o700, 0o700, 0o600, 0o600])
  await store.close()
})

test("Git ignores a directory that the store created, and nothing in an existing one", async () => {
  const made = join(directory, "made")
  await (await open(made)).close()
  expect(readFileSync(join(made, ".gitignore"), "utf8")).toBe("*\n")
  const present = join(directory, "present")
  mkdirSync(present)
  await (await open(present)).close()
  expect(existsSync(join(present, ".gitignore"))).toBe(false)
})

test("a directory that cannot be created is reported in one line", async () => {
  const file = join(directory, "file")
  writeFileSync(file, "")
  expect(await refusal(join(file, "data"))).toContain(
    `The data directory ${join(file, "data")} cannot be used`,
  )
  expect(await refusal(file)).toContain(file)
})

test("a missing directory is reported in one line at any depth", async () => {
  for (const path of ["/proc/data", "/proc/deep/data"]) {
    expect(await refusal(path)).toContain(`The data directory ${path} cannot be used: E`)
  }
})

test("a broken link is reported in one line", async () => {
  const path = join(directory, "link")
  symlinkSync(join(directory, "nowhere", "data"), path)
  expect(await refusal(path)).toContain(`The data directory ${path} cannot be used: EEXIST`)
})

test("a directory that cannot be written is reported in one line", async () => {
  const path = join(directory, "data")
  mkdirSync(path)
  chmodSync(directory, 0o755)
  chmodSync(path, 0o555)
  const asNobody = process.geteuid?.() === 0
  if (asNobody) process.seteuid?.(65_534)
  try {
    expect(await refusal(path)).toContain(`The data directory ${path} cannot be used: EACCES`)
  } finally {
    if (asNobody) process.seteuid?.(0)
    chmodSync(path, 0o755)
  }
})

test("a file that is not a database is reported in one line", async () => {
  writeFileSync(join(directory, "gateway.db"), "this is not a database at all".repeat(100))
  expect(await refusal(directory)).toBe(
    `The data directory ${directory} cannot be used: file is not a database.`,
  )
})

test("a database of a newer version is refused only if that version says so, and not changed", async () => {
  await (await open(directory)).close()
  const file = join(directory, "gateway.db")
  const database = await openDatabase(file, "process")
  await database.write(() => database.run("PRAGMA user_version = 1000"))
  await (await open(directory)).close()
  for (const sql of ["UPDATE setting SET value = '1000' WHERE name = 'oldestSchema'", "DROP TABLE setting"]) {
    await database.write(() => database.run(sql))
    expect(await refusal(directory)).toMatch(/newer version of ai-agent-gateway.* \(it is at 1000/)
  }
  expect(await database.read(() => database.get("PRAGMA user_version"))).toEqual({ user_version: 1000 })
  database.close()
})

test("a later schema is migrated to once, and this version still opens it", async () => {
  await (await open(directory)).close()
  const file = join(directory, "gateway.db")
  const later = {
    ...schema,
    migrations: [...schema.migrations, ["CREATE TABLE later (id INTEGER)"], ["INSERT INTO later VALUES (1)"]],
  }
  const database = await openDatabase(file, "process")
  await migrate(database, file, later)
  await migrate(database, file, later)
  expect(await database.read(() => database.all("SELECT id FROM later"))).toEqual([{ id: 1 }])
  const newest = findNewestVersion(schema)
  const former = { ...schema, firstVersion: newest + 3, migrations: [] }
  await expect(migrate(database, file, former)).rejects.toThrow(
    `The database ${file} was written by a development version of ai-agent-gateway, which was never published ` +
      `(it is at ${newest + 2}, the first published version is ${newest + 3}).`,
  )
  database.close()
  await (await open(directory)).close()
})

test("a directory is opened again with all its data", async () => {
  const first = await open(directory)
  await first.log.createSession({ id: "sess_1", tenant: "t", userId: "u", agent: "a", createdAt: 1 })
  await first.close()
  const second = await open(directory)
  expect(await second.log.session("sess_1")).toMatchObject({ id: "sess_1", userId: "u" })
  await second.close()
})
