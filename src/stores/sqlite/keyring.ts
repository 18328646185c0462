import { randomBytes } from "node:crypto"
import type { Clock } from "../../core/clock.ts"
import { randomIds } from "../../core/ids.ts"
import type { Keyring, SigningKey } from "../../core/ports/keyring.ts"
import { escapeText, type Row, text } from "../columns.ts"
import type { Database } from "./database.ts"

export function createKeyring(database: Database, clock: Clock): Keyring {
  return {
    async signingKey() {
      const known = await database.read(() => newest(database))
      return known ?? database.write(() => first(database, clock))
    },
    key: (id) =>
      database.read(() => {
        const row = database.get("SELECT id, secret FROM signing_key WHERE id = ?", escapeText(id))
        return row === undefined ? null : toKey(row)
      }),
  }
}

/** Inside a transaction. Processes that race for the first key agree on the one that was stored. */
function first(database: Database, clock: Clock): SigningKey {
  database.run(
    "INSERT INTO signing_key (generation, id, secret, created_at) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING",
    randomIds.next("key"),
    randomBytes(32),
    clock.now(),
  )
  const key = newest(database)
  if (key === null) throw new Error("The signing key that was just stored is not there.")
  return key
}

function newest(database: Database): SigningKey | null {
  const row = database.get("SELECT id, secret FROM signing_key ORDER BY generation DESC LIMIT 1")
  return row === undefined ? null : toKey(row)
}

function toKey(row: Row): SigningKey {
  const secret = row.secret
  if (!(secret instanceof Uint8Array)) throw new TypeError("A signing key's secret should be bytes.")
  return { id: text(row, "id"), secret: new Uint8Array(secret) }
}
