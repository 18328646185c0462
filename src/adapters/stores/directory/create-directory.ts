import {
  type Directory,
  type DirectoryCursor,
  type DirectoryPage,
  type DirectoryQuery,
  maxDirectoryPage,
} from "../../../core/ports/store/directory.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import type { Row } from "../rows/columns.ts"
import type { SqlDatabase } from "../sql/statement.ts"
import { matchesRun, matchesSession, toListedRun, toListedSession } from "./rows.ts"
import { type Slice, selectRun, selectRuns, selectSession, selectSessions } from "./sql.ts"

/** The agents that live processes serve, which each database knows in its own way. */
export interface ServedAgents {
  /** Returns the agents of live processes, as stored. */
  served(): Promise<ReadonlySet<string>>
  serve: Directory["serve"]
}

/** Maximum records that one turn of the event loop reads (rule 15). */
const sliceRecords = 200
/** Maximum records that one page reads, however few of them match its filters. */
const maxLookedAt = 2_000

/** Creates the directory over either database. */
export function createDirectory({ read }: SqlDatabase, { served, serve }: ServedAgents): Directory {
  return {
    serve,
    async sessions(query) {
      const agents = await served()
      return readPage(query, {
        read: (slice) => read(selectSessions(query, slice)),
        parse: (row) => toListedSession(row, agents),
        matches: (session) => matchesSession(session, query),
      })
    },
    async session(sessionId) {
      const [row] = await read(selectSession(sessionId))
      return row === undefined ? null : toListedSession(row, await served())
    },
    async runs(query) {
      const agents = await served()
      return readPage(query, {
        read: (slice) => read(selectRuns(query, slice)),
        parse: (row) => toListedRun(row, agents),
        matches: (run) => matchesRun(run, query),
      })
    },
    async run(runId) {
      const [row] = await read(selectRun(runId))
      return row === undefined ? null : toListedRun(row, await served())
    },
  }
}

interface List<Listed extends DirectoryCursor> {
  readonly read: (slice: Slice) => Promise<readonly Row[]>
  readonly parse: (row: Row) => Listed
  readonly matches: (listed: Listed) => boolean
}

async function readPage<Listed extends DirectoryCursor>(
  { limit: wanted, after: first }: DirectoryQuery,
  { read, parse, matches }: List<Listed>,
): Promise<DirectoryPage<Listed>> {
  const limit = Math.max(1, Math.min(wanted, maxDirectoryPage))
  const items: Listed[] = []
  let after = first
  for (let lookedAt = 0; lookedAt < maxLookedAt; lookedAt += sliceRecords) {
    const rows = await read({ after, count: sliceRecords })
    for (const [index, row] of rows.entries()) {
      const listed = parse(row)
      after = { createdAt: listed.createdAt, id: listed.id }
      if (matches(listed)) items.push(listed)
      const isLast = index === rows.length - 1 && rows.length < sliceRecords
      if (items.length === limit) return { items, next: isLast ? null : after }
    }
    if (rows.length < sliceRecords) return { items, next: null }
    await waitForNextSlice()
  }
  return { items, next: after ?? null }
}
