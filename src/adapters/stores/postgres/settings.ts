import { readNullableText } from "../rows/columns.ts"
import type { Query } from "./database/database.ts"

/** Returns a setting, or null if it has no value. `migrate` has created the table. */
export async function readSetting(query: Query, name: string): Promise<string | null> {
  const [row] = await query("SELECT value FROM agent_gateway.setting WHERE name = $1", [name])
  return row === undefined ? null : readNullableText(row, "value")
}

/** Stores a setting. Null removes it. */
export async function writeSetting(query: Query, name: string, value: string | null): Promise<void> {
  if (value === null) await query("DELETE FROM agent_gateway.setting WHERE name = $1", [name])
  else {
    await query(
      `INSERT INTO agent_gateway.setting (name, value) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [name, value],
    )
  }
}

/** Returns a setting, which receives the given value if it has none. Processes that race agree on one value. */
export async function requireSetting(query: Query, name: string, value: string): Promise<string> {
  const known = await readSetting(query, name)
  if (known !== null) return known
  await query("INSERT INTO agent_gateway.setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", [
    name,
    value,
  ])
  return (await readSetting(query, name)) ?? value
}
