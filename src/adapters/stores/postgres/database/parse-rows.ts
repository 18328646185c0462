import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { type Row, readText } from "../../rows/columns.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"

/** Parses rows with a `body` that may be large, in slices. */
export async function parseRows<T>(rows: readonly Row[], parse: (row: Row) => T): Promise<T[]> {
  const parsed: T[] = []
  let characters = 0
  for (const row of rows) {
    parsed.push(parse(row))
    characters += readText(row, "body").length
    if (characters < maxSliceCharacters) continue
    characters = 0
    await waitForNextSlice()
  }
  return parsed
}
