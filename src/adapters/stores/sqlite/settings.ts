import { readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"

/** Returns a setting, or null if it has no value. The first setting creates the table. Must be called inside a read. */
export function readSetting(database: Database, name: string): string | null {
  const table = database.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'setting'")
  if (table === undefined) return null
  const row = database.get("SELECT value FROM setting WHERE name = ?", name)
  return row === undefined ? null : readText(row, "value")
}

/** Stores a setting. Null removes it. Must be called inside a transaction. */
export function writeSetting(database: Database, name: string, value: string | null): void {
  database.run("CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
  if (value === null) database.run("DELETE FROM setting WHERE name = ?", name)
  else {
    database.run(
      "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      name,
      value,
    )
  }
}

/** Returns a setting, which receives the given value if it has none. Must be called inside a transaction. */
export function requireSetting(database: Database, name: string, value: string): string {
  const known = readSetting(database, name)
  if (known === null) writeSetting(database, name, value)
  return known ?? value
}
