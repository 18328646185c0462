import { randomBytes } from "node:crypto"
import type { Clock } from "../../core/clock.ts"
import { randomIds } from "../../core/ids.ts"
import type { Keyring, SigningKey } from "../../core/ports/keyring.ts"
import { escapeText, type Row, text } from "../columns.ts"
import type { Query } from "./database.ts"

export function createKeyring(query: Query, clock: Clock): Keyring {
  async function newest(): Promise<SigningKey | null> {
    const [row] = await query(
      "SELECT id, secret FROM agent_gateway.signing_key ORDER BY generation DESC LIMIT 1",
    )
    return row === undefined ? null : toKey(row)
  }

  return {
    async signingKey() {
      const known = await newest()
      if (known !== null) return known
      // Processes that race for the first key agree on the one that was stored.
      await query(
        `INSERT INTO agent_gateway.signing_key (generation, id, secret, created_at) VALUES (1, $1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [randomIds.next("key"), randomBytes(32), clock.now()],
      )
      const key = await newest()
      if (key === null) throw new Error("The signing key that was just stored is not there.")
      return key
    },
    async key(id) {
      const [row] = await query("SELECT id, secret FROM agent_gateway.signing_key WHERE id = $1", [
        escapeText(id),
      ])
      return row === undefined ? null : toKey(row)
    },
  }
}

function toKey(row: Row): SigningKey {
  const { secret } = row
  if (!(secret instanceof Uint8Array)) throw new TypeError("A signing key's secret should be bytes.")
  return { id: text(row, "id"), secret: new Uint8Array(secret) }
}
