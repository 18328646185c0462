import { randomBytes } from "node:crypto"
import { randomIds } from "../../../core/ids.ts"
import type { Keyring, SigningKey } from "../../../core/ports/store/keyring.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { escapeText, type Row, readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"

export function createKeyring(database: Database, clock: Clock): Keyring {
  return {
    async signingKey() {
      const known = await database.read(() => findNewest(database))
      // Processes that race for the first key agree on the stored one.
      return known ?? database.write(() => findNewest(database) ?? add(database, clock))
    },
    key: (id) =>
      database.read(() => {
        const row = database.get("SELECT id, secret FROM signing_key WHERE id = ?", escapeText(id))
        return row === undefined ? null : toKey(row)
      }),
    rotate: () => database.write(() => add(database, clock)),
    remove: (id) => database.write(() => remove(database, id)),
  }
}

/** Adds a key. Must be called inside a transaction. */
function add(database: Database, clock: Clock): SigningKey {
  const key = { id: randomIds.next("key"), secret: new Uint8Array(randomBytes(32)) }
  database.run(
    `INSERT INTO signing_key (generation, id, secret, created_at)
     SELECT coalesce(max(generation), 0) + 1, ?, ?, ? FROM signing_key`,
    key.id,
    key.secret,
    clock.now(),
  )
  return key
}

/**
 * Removes a key. The newest one is kept, because its generation must not be used again. Must be called inside a
 * transaction.
 */
function remove(database: Database, id: string): boolean {
  const removed = database.run(
    "DELETE FROM signing_key WHERE id = ? AND generation < (SELECT max(generation) FROM signing_key)",
    escapeText(id),
  )
  return removed > 0
}

function findNewest(database: Database): SigningKey | null {
  const row = database.get("SELECT id, secret FROM signing_key ORDER BY generation DESC LIMIT 1")
  return row === undefined ? null : toKey(row)
}

function toKey(row: Row): SigningKey {
  const secret = row.secret
  if (!(secret instanceof Uint8Array)) throw new TypeError("A signing key's secret should be bytes.")
  return { id: readText(row, "id"), secret: new Uint8Array(secret) }
}
