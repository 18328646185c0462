import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { type Row, readInteger, readTextLength } from "../../rows/columns.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"
import type { Database } from "./database.ts"

/** Maximum rows that one turn of the event loop reads (rule 15). */
export const maxRows = 200

export interface SlicedQuery<T> {
  /** Selects rows with `id` and `body` after an id, up to a limit. These two are its last parameters. */
  readonly sql: string
  /** Values of its other parameters. */
  readonly values: readonly (string | number)[]
  readonly after: number
  readonly limit: number
  readonly parse: (row: Row) => T
}

export async function readSlices<T>(database: Database, query: SlicedQuery<T>): Promise<T[]> {
  const { sql, values, limit, parse } = query
  const found: T[] = []
  let after = query.after
  for (;;) {
    const wanted = Math.min(limit - found.length, maxRows)
    const complete = await database.read(() => {
      let count = 0
      let characters = 0
      for (const row of database.each(sql, ...values, after, wanted)) {
        found.push(parse(row))
        after = readInteger(row, "id")
        count += 1
        characters += readTextLength(row, "body")
        if (characters >= maxSliceCharacters) return found.length >= limit
      }
      return count < maxRows
    })
    if (complete) return found
    await waitForNextSlice()
  }
}
