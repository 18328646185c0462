import { expect, it } from "vitest"
import { schema as ofPostgres } from "../postgres/schema.ts"
import { schema as ofSqlite } from "../sqlite/schema.ts"
import { findMissingTables } from "./missing-tables.ts"

it("finds the tables of the first schema and of its migrations", () => {
  const schema = {
    tables: ["CREATE TABLE agent_gateway.session (\n  id text)", "CREATE INDEX active ON session (id)"],
    migrations: [
      ["CREATE VIRTUAL TABLE memory_text USING fts5(words)", "ALTER TABLE session ADD COLUMN a text"],
    ],
  }
  expect(findMissingTables(schema, new Set())).toEqual(["session", "memory_text"])
  expect(findMissingTables(schema, new Set(["session"]))).toEqual(["memory_text"])
})

it.each([
  ["SQLite", ofSqlite],
  ["Postgres", ofPostgres],
])("finds every table of %s", (_, schema) => {
  const created = [...schema.tables, ...schema.migrations.flat()].filter((statement) =>
    /^CREATE (VIRTUAL )?TABLE/.test(statement),
  )
  expect(findMissingTables(schema, new Set())).toHaveLength(created.length)
})
