import { expect, it } from "vitest"
import { migrations as ofPostgres } from "../postgres/schema.ts"
import { migrations as ofSqlite } from "../sqlite/schema.ts"
import { findMissingTables } from "./missing-tables.ts"

it("follows the tables through creation, removal and renaming", () => {
  const migrations = [
    [
      "CREATE TABLE agent_gateway.session (\n  id text)",
      "CREATE INDEX session_active ON agent_gateway.session (id)",
    ],
    ["CREATE TABLE entry_with_id (id INTEGER) STRICT", "CREATE TABLE IF NOT EXISTS entry (id INTEGER)"],
    [
      "DROP TABLE entry",
      "ALTER TABLE entry_with_id RENAME TO entry",
      "ALTER TABLE session ADD COLUMN a text",
    ],
    ["CREATE VIRTUAL TABLE memory_text USING fts5(words)"],
  ]
  expect(findMissingTables(migrations, new Set())).toEqual(["session", "entry", "memory_text"])
  expect(findMissingTables(migrations, new Set(["entry"]))).toEqual(["session", "memory_text"])
})

it.each([
  ["SQLite", ofSqlite],
  ["Postgres", ofPostgres],
])("finds every table of the migrations of %s", (_, migrations) => {
  const created = migrations.flat().filter((statement) => /^CREATE (VIRTUAL )?TABLE/.test(statement))
  const renamed = migrations.flat().filter((statement) => statement.includes("RENAME TO"))
  expect(findMissingTables(migrations, new Set())).toHaveLength(created.length - renamed.length)
})
