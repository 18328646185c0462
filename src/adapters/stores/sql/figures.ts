import { type Backlog, maxCounted, type StoreFigures } from "../../../core/ports/store/figures.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type Row, readInteger, readJson, readText } from "../rows/columns.ts"
import { isOneOfNumbers, now, type Sql, type SqlDatabase, schema, sql } from "./statement.ts"

/** Each sum is a statement of its own, so that no turn of the event loop is long (rule 15). */
export async function readFigures(database: SqlDatabase): Promise<StoreFigures> {
  const { read } = database
  const readBacklog = async (since: Sql, rows: Sql) => toBacklog((await read(sumOf(since, rows)))[0])
  const count = async (rows: Sql) => (await readBacklog(now, rows)).count
  return {
    queue: await readBacklog(
      sql`coalesce(run.created_at, ${now})`,
      sql`${schema}command LEFT JOIN ${schema}run ON run.id = command.run_id
        WHERE command.type = 'message' AND command.not_before <= ${now}`,
    ),
    openRuns: await count(sql`${schema}session WHERE active_run IS NOT NULL`),
    waits: await readWaits(database),
    outbox: await readBacklog(
      sql`CASE WHEN attempts > 0 OR due_at <= ${now} THEN created_at END`,
      sql`${schema}outbox WHERE due_at IS NOT NULL`,
    ),
    deadItems: await count(sql`${schema}outbox WHERE died_at IS NOT NULL`),
    dueSchedules: await readBacklog(sql`wake_at`, sql`${schema}schedule WHERE wake_at <= ${now}`),
  }
}

function sumOf(since: Sql, rows: Sql): Sql {
  return sql`SELECT count(*) AS number, coalesce(${now} - min(since), 0) AS age
    FROM (SELECT ${since} AS since FROM ${rows} LIMIT ${maxCounted}) AS counted`
}

function toBacklog(row: Row | undefined): Backlog {
  if (row === undefined) return { count: 0, oldestMs: 0 }
  return { count: readInteger(row, "number"), oldestMs: Math.max(0, readInteger(row, "age")) }
}

async function readWaits({ read, readBodies }: SqlDatabase): Promise<StoreFigures["waits"]> {
  const open = await read(sql`SELECT kind, count(*) AS number, min(id) AS first, ${now} AS now
    FROM (SELECT id, kind FROM ${schema}wait WHERE state = 'open' AND expires_at > ${now}
      ORDER BY id LIMIT ${maxCounted}) AS counted GROUP BY kind`)
  const first = open.map((row) => readInteger(row, "first"))
  const openedAt = await readBodies({
    select: (after, count) => sql`SELECT id, body FROM ${schema}wait
      WHERE ${isOneOfNumbers("id", first)} AND id > ${after} ORDER BY id LIMIT ${count}`,
    after: 0,
    limit: first.length,
    parse: (row): readonly [string, number] => {
      const { kind, openedAt } = readJson<NewWait>(row, "body")
      return [kind, openedAt]
    },
  })
  const ages = new Map(openedAt)
  const backlogs = open.map((row): [string, Backlog] => {
    const kind = readText(row, "kind")
    const at = readInteger(row, "now")
    return [kind, { count: readInteger(row, "number"), oldestMs: Math.max(0, at - (ages.get(kind) ?? at)) }]
  })
  return Object.fromEntries(backlogs)
}
