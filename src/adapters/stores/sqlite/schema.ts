import type { Schema } from "../rules/schema-versions.ts"
import { createMigrations, createTables, type TableDialect } from "../sql/tables.ts"

const dialect: TableDialect = {
  schema: "",
  int: "integer",
  bytes: "blob",
  flag: { type: "integer", no: "0" },
  exact: "text",
  rowId: "integer PRIMARY KEY",
  numbered: "integer PRIMARY KEY AUTOINCREMENT",
  strict: "STRICT",
  clustered: "STRICT, WITHOUT ROWID",
  unordered: { id: (column) => `${column} integer PRIMARY KEY,`, key: "UNIQUE" },
  extra: { session: "", command: ", text_id text", memory: "" },
}

/** Statements that create the tables and indexes of this database alone. */
const own: readonly string[] = [
  "CREATE INDEX command_inbox ON command (session_id, type, run_id, rank, not_before, due_at)",
  // Sessions that are gone but whose rows are still being deleted, slice by slice.
  "CREATE TABLE removed_session (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
  // The terms of each memory, by its id. The tokenizer only splits at spaces and punctuation, which terms do not
  // contain.
  `CREATE VIRTUAL TABLE memory_text USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
  )`,
  // Large texts in chunks. Rows of `entry` and `command` refer to them. `since` is 0 if no transaction may use the
  // text any more.
  "CREATE TABLE unused_text (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, since INTEGER NOT NULL) STRICT",
  `CREATE TRIGGER command_text_unused AFTER DELETE ON command WHEN old.text_id IS NOT NULL BEGIN
    INSERT INTO unused_text (id, session_id, since) VALUES (old.text_id, old.session_id, 0);
  END`,
]

/**
 * The schema. `PRAGMA user_version` has its version. Earlier versions were never published. A new table, column or
 * index is a migration, each of which brings the schema to the next version.
 */
export const schema: Schema = {
  firstVersion: 26,
  oldestVersion: 26,
  tables: [...createTables(dialect), ...own],
  migrations: createMigrations(dialect),
}

/**
 * SQL: the number of the newest stored entry, for the session in the same statement. It is looked up and not kept
 * with the session, so that storing deltas does not change the session's row.
 */
export const lastSeq = `max(
  coalesce((SELECT max(entry.seq) FROM entry WHERE entry.session_id = session.id), 0),
  coalesce((SELECT delta.last_seq FROM delta WHERE delta.session_id = session.id
    ORDER BY delta.seq DESC LIMIT 1), 0))`
