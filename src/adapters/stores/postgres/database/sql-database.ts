import { waitForNextSlice } from "../../../../core/time/next-slice.ts"
import { type Row, readText } from "../../rows/columns.ts"
import { maxSliceCharacters } from "../../rows/large/slice-size.ts"
import {
  createText,
  type Dialect,
  renderSql,
  type Sql,
  type SqlDatabase,
  type Steps,
  sql,
} from "../../sql/statement.ts"
import { lastSeq, nowMs } from "../schema.ts"
import type { Database, Query } from "./database.ts"

/** Runs the statements that both databases share. */
export function createSqlDatabase(database: Database): SqlDatabase {
  const run = (statement: Sql) => runStatement(database.query, statement)
  return {
    read: run,
    readSteps: (steps) => runSteps(database.query, steps()),
    write: run,
    transaction: (steps) => database.transaction((query) => runSteps(query, steps())),
    async readBodies({ select, after, limit, parse }) {
      return parseRows(await run(select(after, limit)), parse)
    },
  }
}

/** Runs the statements one after another. */
export async function runSteps<T>(query: Query, steps: Steps<T>): Promise<T> {
  let step = steps.next([])
  while (step.done !== true) step = steps.next(await runStatement(query, step.value))
  return step.value
}

export function runStatement(query: Query, statement: Sql): Promise<readonly Row[]> {
  const { text, values } = renderSql(statement, dialect)
  return query(text, values)
}

const dialect: Dialect = {
  schema: "agent_gateway.",
  placeholder: (number) => `$${number}`,
  now: () => createText(nowMs),
  lastSeq: createText(lastSeq),
  lockRows: createText,
  lockName: (name) => sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`,
  // The array is computed once, so that an index on the column can be used.
  isOneOf(column, type, values) {
    return sql`${createText(column)} = ANY(ARRAY(
      SELECT json_array_elements_text(${JSON.stringify(values)}::json)::${createText(type)}))`
  },
  records(columns, records) {
    const typed = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
    return sql`(SELECT * FROM json_to_recordset(${JSON.stringify(records)}) AS each(${createText(typed.join(", "))}))`
  },
}

/** Parses rows with a `body` that may be large, in slices. */
async function parseRows<T>(rows: readonly Row[], parse: (row: Row) => T): Promise<T[]> {
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
