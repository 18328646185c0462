import { randomBytes } from "node:crypto"
import { randomIds } from "../../../core/ids.ts"
import type { Keyring, SigningKey } from "../../../core/ports/store/keyring.ts"
import { escapeText, type Row, readText } from "../rows/columns.ts"
import { now, type Sql, type SqlDatabase, schema, sql } from "./statement.ts"

export function createKeyring({ read, write }: SqlDatabase): Keyring {
  async function findNewest(): Promise<SigningKey | null> {
    const [row] = await read(
      sql`SELECT id, secret FROM ${schema}signing_key ORDER BY generation DESC LIMIT 1`,
    )
    return row === undefined ? null : toKey(row)
  }

  /** Adds a key. Null if another process has already added this generation. */
  async function add(generation: Sql): Promise<SigningKey | null> {
    const [row] = await write(sql`INSERT INTO ${schema}signing_key (generation, id, secret, created_at)
      VALUES (${generation}, ${randomIds.next("key")}, ${randomBytes(32)}, ${now})
      ON CONFLICT DO NOTHING RETURNING id, secret`)
    return row === undefined ? null : toKey(row)
  }

  return {
    async signingKey() {
      const known = await findNewest()
      if (known !== null) return known
      // Processes that race for the first key agree on the stored one.
      await add(sql`1`)
      const key = await findNewest()
      if (key === null) throw new Error("The signing key that was just stored is missing.")
      return key
    },
    async key(id) {
      const [row] = await read(sql`SELECT id, secret FROM ${schema}signing_key WHERE id = ${escapeText(id)}`)
      return row === undefined ? null : toKey(row)
    },
    async rotate() {
      for (;;) {
        const key = await add(sql`(SELECT coalesce(max(generation), 0) + 1 FROM ${schema}signing_key)`)
        if (key !== null) return key
      }
    },
    async remove(id) {
      // The newest key is kept, because its generation must not be used again.
      const removed = await write(sql`DELETE FROM ${schema}signing_key WHERE id = ${escapeText(id)}
        AND generation < (SELECT max(generation) FROM ${schema}signing_key) RETURNING id`)
      return removed.length > 0
    },
  }
}

function toKey(row: Row): SigningKey {
  const { secret } = row
  if (!(secret instanceof Uint8Array)) throw new TypeError("A signing key's secret should be bytes.")
  return { id: readText(row, "id"), secret: new Uint8Array(secret) }
}
