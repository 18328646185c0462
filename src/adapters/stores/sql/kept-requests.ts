import type { KeptRequest, KeptRequests } from "../../../core/ports/store/kept-requests.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { escapeText, type Row, readBytes, readInteger, readText } from "../rows/columns.ts"
import { lockRows, type Sql, type SqlDatabase, schema, sql } from "./statement.ts"

/** Maximum rows that one statement removes. */
const slice = 50

export function createKeptRequests({ read, write, readBodies }: SqlDatabase): KeptRequests {
  /** Removes the rows, oldest first, and returns their bytes. */
  async function removeRows(condition: Sql): Promise<number> {
    let bytes = 0
    for (let removed = slice; removed === slice; ) {
      const rows = await write(sql`DELETE FROM ${schema}kept_request WHERE number IN (
        SELECT number FROM ${schema}kept_request WHERE ${condition} ORDER BY number LIMIT ${slice}
      ) RETURNING bytes`)
      bytes += sumBytes(rows)
      removed = rows.length
      await waitForNextSlice()
    }
    return bytes
  }

  return {
    async put(sessionId, { id, at, series, facts, parts }) {
      const hasFirst =
        series === null
          ? sql`true`
          : sql`EXISTS (SELECT 1 FROM ${schema}kept_request AS head WHERE head.number = ${series})`
      // The lock prevents the removal of the session in between, which would not see this row.
      const [row] = await write(sql`
        WITH kept AS (SELECT id FROM ${schema}session WHERE id = ${sessionId} ${lockRows("FOR KEY SHARE")})
        INSERT INTO ${schema}kept_request (session_id, series, id, at, bytes, facts, parts)
        SELECT id, ${series}, ${id}, ${at}, ${facts.length + parts.length}, ${facts}, ${parts}
        FROM kept WHERE ${hasFirst} RETURNING number`)
      return row === undefined ? null : readInteger(row, "number")
    },
    async list(sessionId, { id, limit }) {
      const isAsked = id === undefined ? sql`true` : sql`id = ${id}`
      const rows = await read(sql`SELECT number, series, id, at, facts FROM ${schema}kept_request
        WHERE session_id = ${sessionId} AND ${isAsked} ORDER BY number DESC LIMIT ${limit}`)
      return rows.map(toRequest)
    },
    async parts(sessionId, { number, series }) {
      const first = series ?? number
      const rows = await readBodies({
        select: (after, count) => sql`SELECT number AS id, parts AS body FROM ${schema}kept_request
          WHERE session_id = ${sessionId} AND number > ${after} AND number <= ${number}
            AND (number = ${first} OR series = ${first}) ORDER BY number LIMIT ${count}`,
        after: first - 1,
        limit: Number.MAX_SAFE_INTEGER,
        parse: (row) => ({ id: readInteger(row, "id"), parts: readBytes(row, "body") }),
      })
      return rows[0]?.id === first ? rows.map(({ parts }) => parts) : []
    },
    async bytes(sessionId) {
      const isCounted = sessionId === null ? sql`true` : sql`session_id = ${sessionId}`
      return sumBytes(
        await read(
          sql`SELECT coalesce(sum(bytes), 0) AS bytes FROM ${schema}kept_request WHERE ${isCounted}`,
        ),
      )
    },
    async removeOldest(before) {
      const [oldest] = await read(sql`SELECT session_id, number, series, at FROM ${schema}kept_request
        ORDER BY number LIMIT 1`)
      if (oldest === undefined || readInteger(oldest, "at") >= before) return 0
      const first = readSeries(oldest) ?? readInteger(oldest, "number")
      return removeRows(sql`session_id = ${readText(oldest, "session_id")}
        AND (number = ${first} OR series = ${first})`)
    },
    async removeOf({ tenant, userId }) {
      await removeRows(sql`session_id IN (SELECT session.id FROM ${schema}session
        WHERE session.tenant = ${escapeText(tenant)} AND session.user_id = ${escapeText(userId)})`)
    },
  }
}

function toRequest(row: Row): KeptRequest {
  return {
    number: readInteger(row, "number"),
    series: readSeries(row),
    id: readText(row, "id"),
    at: readInteger(row, "at"),
    facts: readBytes(row, "facts"),
  }
}

function readSeries(row: Row): number | null {
  return row.series === null ? null : readInteger(row, "series")
}

function sumBytes(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + readInteger(row, "bytes"), 0)
}
