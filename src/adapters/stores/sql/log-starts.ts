import type { SessionLog } from "../../../core/ports/store/session-log.ts"
import { readInteger } from "../rows/columns.ts"
import { createText, type Sql, type SqlDatabase, schema, sql } from "./statement.ts"

/** SQL: the types are part of the statement, so that the databases use the index of these entries. */
export const isOfTask = "type IN ('taskRegistered', 'taskEnded', 'tasksCollected')"

/** A bound that no sequence number exceeds. */
const newest = Number.MAX_SAFE_INTEGER

/** Finds the entries from which readers start. */
export function createLogStarts({
  read,
}: SqlDatabase): Pick<
  SessionLog,
  "stepStart" | "runStart" | "historyStart" | "compactionStart" | "taskStart"
> {
  const find = async (selected: Sql) => {
    const [row = {}] = await read(selected)
    return readInteger(row, "seq")
  }
  /** The conditions contain the type, so that the databases use the index of the entries of that type. */
  const findLast = (sessionId: string, conditions: Sql) =>
    find(sql`SELECT coalesce(max(seq), 0) AS seq FROM ${schema}entry
      WHERE session_id = ${sessionId} AND ${conditions}`)
  return {
    stepStart: (sessionId, seq) => findLast(sessionId, sql`type = 'stepStarted' AND seq <= ${seq}`),
    runStart: (sessionId, seq) => findLast(sessionId, sql`type = 'runStarted' AND seq <= ${seq}`),
    historyStart: (sessionId, seq = newest) =>
      findLast(sessionId, sql`type = 'historyReplaced' AND seq <= ${seq}`),
    compactionStart: (sessionId, seq = newest) =>
      findLast(sessionId, sql`type = 'historyCompacted' AND seq <= ${seq}`),
    taskStart: (sessionId, count) =>
      find(sql`SELECT coalesce(min(seq), 0) AS seq FROM (
        SELECT seq FROM ${schema}entry
        WHERE session_id = ${sessionId} AND ${createText(isOfTask)} AND type = 'taskRegistered'
        ORDER BY seq DESC LIMIT ${count}) AS task`),
  }
}
