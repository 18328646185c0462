import type { Secrets } from "../../core/ports/secrets.ts"
import { escapeText, text } from "../columns.ts"
import type { Query } from "./database.ts"

/** The table is made when it is first needed: most gateways keep no secrets. */
export function createSecrets(query: Query): Secrets {
  let made: Promise<unknown> | null = null
  const table = async () => {
    made ??= query(
      "CREATE TABLE IF NOT EXISTS agent_gateway.secret (name text PRIMARY KEY, value text NOT NULL)",
    ).catch((error: unknown) => {
      made = null
      throw error
    })
    await made
  }
  return {
    async get(name) {
      await table()
      const [row] = await query("SELECT value FROM agent_gateway.secret WHERE name = $1", [escapeText(name)])
      return row === undefined ? null : text(row, "value")
    },
    async put(name, value) {
      await table()
      await query(
        `INSERT INTO agent_gateway.secret (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        [escapeText(name), value],
      )
    },
    async remove(name) {
      await table()
      await query("DELETE FROM agent_gateway.secret WHERE name = $1", [escapeText(name)])
    },
  }
}
