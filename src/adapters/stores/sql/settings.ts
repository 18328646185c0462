import { randomIds } from "../../../core/ids.ts"
import type { StorePause } from "../../../core/ports/store/pause.ts"
import { readInteger, readText } from "../rows/columns.ts"
import { type Sql, type SqlDatabase, type Steps, schema, sql } from "./statement.ts"

const pausedSince = "pausedSince"

/** Returns a setting, or null if it has no value. `migrate` has created the table. */
export function* readSetting(name: string): Steps<string | null> {
  const [row] = yield selectSetting(name)
  return row === undefined ? null : readText(row, "value")
}

/** Stores a setting. Null removes it. */
export function* writeSetting(name: string, value: string | null): Steps<void> {
  if (value === null) yield sql`DELETE FROM ${schema}setting WHERE name = ${name}`
  else {
    yield sql`INSERT INTO ${schema}setting (name, value) VALUES (${name}, ${value})
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`
  }
}

export function createPause({ read, transaction }: SqlDatabase): StorePause {
  return {
    async since() {
      const [row] = await read(selectSetting(pausedSince))
      return row === undefined ? null : readInteger(row, "value")
    },
    set: (at) => transaction(() => writeSetting(pausedSince, at === null ? null : String(at))),
  }
}

/** Returns the id of the store, which the first call creates. */
export async function readStoreId({ read, transaction }: SqlDatabase): Promise<string> {
  const [row] = await read(selectSetting("storeId"))
  if (row !== undefined) return readText(row, "value")
  return transaction(() => requireSetting("storeId", randomIds.next("store")))
}

/** Returns a setting, which receives the given value if it has none. Processes that race agree on one value. */
function* requireSetting(name: string, value: string): Steps<string> {
  yield sql`INSERT INTO ${schema}setting (name, value) VALUES (${name}, ${value}) ON CONFLICT DO NOTHING`
  return (yield* readSetting(name)) ?? value
}

function selectSetting(name: string): Sql {
  return sql`SELECT value FROM ${schema}setting WHERE name = ${name}`
}
