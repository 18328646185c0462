import type { Secrets } from "../../../core/ports/store/secrets.ts"
import { escapeText, readText } from "../rows/columns.ts"
import type { Query } from "./database/database.ts"

export function createSecrets(query: Query): Secrets {
  return {
    async get(name) {
      const [row] = await query("SELECT value FROM agent_gateway.secret WHERE name = $1", [escapeText(name)])
      return row === undefined ? null : readText(row, "value")
    },
    async put(name, value) {
      await query(
        `INSERT INTO agent_gateway.secret (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        [escapeText(name), value],
      )
    },
    async replace(name, expected, value) {
      const changed =
        expected === null
          ? await query(
              `INSERT INTO agent_gateway.secret (name, value) VALUES ($1, $2)
               ON CONFLICT DO NOTHING RETURNING name`,
              [escapeText(name), value],
            )
          : await query(
              "UPDATE agent_gateway.secret SET value = $2 WHERE name = $1 AND value = $3 RETURNING name",
              [escapeText(name), value, expected],
            )
      return changed.length > 0
    },
    async remove(name) {
      await query("DELETE FROM agent_gateway.secret WHERE name = $1", [escapeText(name)])
    },
  }
}
