import { randomBytes } from "node:crypto"
import { randomIds } from "../../../core/ids.ts"
import type { Keyring, SigningKey } from "../../../core/ports/store/keyring.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { escapeText, type Row, readInteger, readText } from "../rows/columns.ts"
import type { Query } from "./database/database.ts"

export function createKeyring(query: Query, clock: Clock): Keyring {
  async function findNewest(): Promise<SigningKey | null> {
    const [row] = await query(
      "SELECT id, secret FROM agent_gateway.signing_key ORDER BY generation DESC LIMIT 1",
    )
    return row === undefined ? null : toKey(row)
  }

  /** Adds a key. Null if another process has already added this generation. */
  async function add(generation: number): Promise<SigningKey | null> {
    const [row] = await query(
      `INSERT INTO agent_gateway.signing_key (generation, id, secret, created_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING RETURNING id, secret`,
      [generation, randomIds.next("key"), randomBytes(32), clock.now()],
    )
    return row === undefined ? null : toKey(row)
  }

  return {
    async signingKey() {
      const known = await findNewest()
      if (known !== null) return known
      // Processes that race for the first key agree on the stored one.
      await add(1)
      const key = await findNewest()
      if (key === null) throw new Error("The signing key that was just stored is missing.")
      return key
    },
    async key(id) {
      const [row] = await query("SELECT id, secret FROM agent_gateway.signing_key WHERE id = $1", [
        escapeText(id),
      ])
      return row === undefined ? null : toKey(row)
    },
    async rotate() {
      for (;;) {
        const [newest] = await query(
          "SELECT coalesce(max(generation), 0) AS generation FROM agent_gateway.signing_key",
        )
        const key = await add(readInteger(newest ?? {}, "generation") + 1)
        if (key !== null) return key
      }
    },
    async remove(id) {
      // The newest key is kept, because its generation must not be used again.
      const removed = await query(
        `DELETE FROM agent_gateway.signing_key
         WHERE id = $1 AND generation < (SELECT max(generation) FROM agent_gateway.signing_key) RETURNING id`,
        [escapeText(id)],
      )
      return removed.length > 0
    },
  }
}

function toKey(row: Row): SigningKey {
  const { secret } = row
  if (!(secret instanceof Uint8Array)) throw new TypeError("A signing key's secret should be bytes.")
  return { id: readText(row, "id"), secret: new Uint8Array(secret) }
}
