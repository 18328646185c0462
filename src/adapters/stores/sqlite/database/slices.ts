import type { Clock } from "../../../../core/time/clock.ts"
import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { readInteger, readTextLength } from "../../rows/columns.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"
import type { BodiesQuery } from "../../sql/statement.ts"
import type { Database } from "./database.ts"
import { renderForSqlite } from "./dialect.ts"

/** Maximum rows that one turn of the event loop reads (rule 15). */
export const maxRows = 200

export async function readSlices<T>(database: Database, clock: Clock, query: BodiesQuery<T>): Promise<T[]> {
  const { select, limit, parse } = query
  const found: T[] = []
  let { after } = query
  for (;;) {
    const wanted = Math.min(limit - found.length, maxRows)
    const { text, values } = renderForSqlite(select(after, wanted), clock.now())
    const complete = await database.read(() => {
      let count = 0
      let characters = 0
      for (const row of database.each(text, ...values)) {
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
