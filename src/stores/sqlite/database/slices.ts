import { nextSlice } from "../../../core/time/next-slice.ts"
import { integer, type Row, textLength } from "../../rows/columns.ts"
import { maxSliceCharacters } from "../../rows/slice-size.ts"
import type { Database } from "./database.ts"

/** Rows that one turn of the event loop reads at most (rule 15). */
export const maxRows = 200

export interface SlicedQuery<T> {
  /** Gives rows with `id` and `body`, from behind an id, up to a limit: its last two parameters. */
  readonly sql: string
  /** Its other parameters. */
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
        after = integer(row, "id")
        count += 1
        characters += textLength(row, "body")
        if (characters >= maxSliceCharacters) return found.length >= limit
      }
      return count < maxRows
    })
    if (complete) return found
    await nextSlice()
  }
}
