import type { Secrets } from "../../core/ports/secrets.ts"
import { escapeText, text } from "../columns.ts"
import type { Database } from "./database.ts"

/** The table is made when the first secret is: most gateways have none. */
export function createSecrets(database: Database): Secrets {
  const exists = () =>
    database.get("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'secret'") !== undefined
  return {
    get: (name) =>
      database.read(() => {
        if (!exists()) return null
        const row = database.get("SELECT value FROM secret WHERE name = ?", escapeText(name))
        return row === undefined ? null : text(row, "value")
      }),
    async put(name, value) {
      await database.write(() => {
        database.run("CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
        database.run(
          "INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          escapeText(name),
          value,
        )
      })
    },
    async remove(name) {
      await database.write(() => {
        if (exists()) database.run("DELETE FROM secret WHERE name = ?", escapeText(name))
      })
    },
  }
}
