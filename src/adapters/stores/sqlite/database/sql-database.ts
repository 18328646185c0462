import type { Clock } from "../../../../core/time/clock.ts"
import type { Row } from "../../rows/columns.ts"
import type { Sql, SqlDatabase, Steps } from "../../sql/statement.ts"
import type { Database } from "./database.ts"
import { renderForSqlite } from "./dialect.ts"
import { readSlices } from "./slices.ts"

/** Runs the statements that both databases share. */
export function createSqlDatabase(database: Database, clock: Clock): SqlDatabase {
  const run = (statement: Sql) => runStatement(database, clock.now(), statement)
  return {
    read: (statement) => database.read(() => run(statement)),
    readSteps: (steps) => database.read(() => runSteps(database, clock.now(), steps())),
    write: (statement) => database.write(() => run(statement)),
    transaction: (steps) => database.write(() => runSteps(database, clock.now(), steps())),
    readBodies: (query) => readSlices(database, clock, query),
  }
}

/** Runs the statements. Must be called inside a transaction, or inside a read if they only read. */
export function runSteps<T>(database: Database, now: number, steps: Steps<T>): T {
  let step = steps.next([])
  while (step.done !== true) step = steps.next(runStatement(database, now, step.value))
  return step.value
}

function runStatement(database: Database, now: number, statement: Sql): readonly Row[] {
  const { text, values } = renderForSqlite(statement, now)
  return text === "" ? [] : database.all(text, ...values)
}
