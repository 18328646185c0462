import type { Secrets } from "../../../core/ports/store/secrets.ts"
import { escapeText, readText } from "../rows/columns.ts"
import { type SqlDatabase, schema, sql } from "./statement.ts"

export function createSecrets({ read, write }: SqlDatabase): Secrets {
  return {
    async get(name) {
      const [row] = await read(sql`SELECT value FROM ${schema}secret WHERE name = ${escapeText(name)}`)
      return row === undefined ? null : readText(row, "value")
    },
    async put(name, value) {
      await write(sql`INSERT INTO ${schema}secret (name, value) VALUES (${escapeText(name)}, ${value})
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
    },
    async replace(name, expected, value) {
      const change =
        expected === null
          ? sql`INSERT INTO ${schema}secret (name, value) VALUES (${escapeText(name)}, ${value})
              ON CONFLICT DO NOTHING RETURNING name`
          : sql`UPDATE ${schema}secret SET value = ${value}
              WHERE name = ${escapeText(name)} AND value = ${expected} RETURNING name`
      return (await write(change)).length > 0
    },
    async remove(name) {
      await write(sql`DELETE FROM ${schema}secret WHERE name = ${escapeText(name)}`)
    },
  }
}
