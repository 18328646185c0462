import type { Secrets } from "../../../core/ports/store/secrets.ts"
import { escapeText, readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"

export function createSecrets(database: Database): Secrets {
  return {
    get: (name) =>
      database.read(() => {
        const row = database.get("SELECT value FROM secret WHERE name = ?", escapeText(name))
        return row === undefined ? null : readText(row, "value")
      }),
    async put(name, value) {
      await database.write(() =>
        database.run(
          "INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          escapeText(name),
          value,
        ),
      )
    },
    async replace(name, expected, value) {
      const changed = await database.write(() =>
        expected === null
          ? database.run(
              "INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
              escapeText(name),
              value,
            )
          : database.run(
              "UPDATE secret SET value = ? WHERE name = ? AND value = ?",
              value,
              escapeText(name),
              expected,
            ),
      )
      return changed > 0
    },
    async remove(name) {
      await database.write(() => database.run("DELETE FROM secret WHERE name = ?", escapeText(name)))
    },
  }
}
