import type {
  Memory,
  MemoryScope,
  NewMemory,
  RememberOptions,
  RememberOutcome,
} from "../../../core/ports/store/memory.ts"
import type { TermMatches } from "../memory/ranking.ts"
import { findMemories, listMemories, listMemoryOwners } from "../memory/recall.ts"
import { createStoredOutcome, findRefusal } from "../memory/remember-rules.ts"
import { toMemory, toStoredColumns } from "../memory/rows.ts"
import {
  isInScope,
  isOwnedBy,
  memoryColumns,
  selectMemory,
  selectTotals,
  toScopeValues,
  toStoredAgent,
} from "../memory/sql.ts"
import type { QueryTerm } from "../memory/terms.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { lockName, lockRows, now, type Sql, type SqlDatabase, type Steps, schema, sql } from "./statement.ts"

/** The terms of memories, by which each database finds them in its own way. */
export interface TermIndex {
  /** The column of the terms in the table of memories, with the value that is stored. Null if there is none. */
  column(terms: readonly string[]): { readonly name: Sql; readonly value: Sql } | null
  /** Indexes a memory that was stored, in place of its former terms. */
  add(id: number, scope: MemoryScope, terms: readonly string[]): Steps<void>
  /** Removes the terms of memories that are about to be deleted. */
  remove(condition: Sql): Steps<void>
  /** Returns the ids of the scope's memories that contain each of the terms. */
  find(scope: MemoryScope, terms: readonly QueryTerm[]): Promise<readonly TermMatches[]>
}

export function createMemory(database: SqlDatabase, index: TermIndex): Omit<Memory, "erase"> {
  const { read, transaction } = database
  const reader = {
    all: read,
    matching: (scope: MemoryScope, terms: readonly QueryTerm[]) => index.find(scope, terms),
    async now() {
      const [row = {}] = await read(selectNow)
      return readInteger(row, "now")
    },
  }
  return {
    remember: (memory, options) => transaction(() => remember(index, memory, options)),
    async get(scope, key) {
      const [row] = await read(selectMemory(scope, key, await reader.now()))
      return row === undefined ? null : toMemory(row)
    },
    recall: (scope, query) => findMemories(reader, scope, query),
    list: (scope, query) => listMemories(reader, scope, query),
    owners: (query) => listMemoryOwners(reader, query),
    forget: (scope, key, { expected } = {}) =>
      transaction(function* () {
        yield* lockOwner(scope)
        const [row] = yield selectMemory(scope, key, yield* readNow())
        if (row === undefined) return "unknown"
        if (expected !== undefined && toMemory(row).revision !== expected) return "changed"
        yield* remove(index, sql`id = ${readInteger(row, "id")}`)
        return "forgotten"
      }),
    forgetNamed: (scope, name) =>
      transaction(() => remove(index, sql`${isInScope(scope)} AND name = ${escapeText(name)}`)),
    forgetAll: ({ tenant, userId, agent }) =>
      transaction(function* () {
        const owner = { tenant, userId }
        // A memory that is being stored at this moment must be deleted as well.
        yield* lockOwner(owner)
        const ofAgent = agent === undefined ? sql`true` : sql`agent = ${toStoredAgent(agent)}`
        return yield* remove(index, sql`${isOwnedBy(owner)} AND ${ofAgent}`)
      }),
    prune: (limit) =>
      transaction(() =>
        remove(
          index,
          sql`id IN (SELECT id FROM ${schema}memory WHERE expires_at <= ${now} LIMIT ${limit}
            ${lockRows("FOR UPDATE SKIP LOCKED")})`,
        ),
      ),
  }
}

const selectNow = sql`SELECT ${now} AS now`

function* readNow(): Steps<number> {
  const [row = {}] = yield selectNow
  return readInteger(row, "now")
}

/** Serializes the writes of one principal, so that together they respect its bounds. */
function* lockOwner({ tenant, userId }: Pick<MemoryScope, "tenant" | "userId">): Steps<void> {
  yield lockName(JSON.stringify(["memory", escapeText(tenant), escapeText(userId)]))
}

function* remove(index: TermIndex, condition: Sql): Steps<number> {
  yield* index.remove(condition)
  return (yield sql`DELETE FROM ${schema}memory WHERE ${condition} RETURNING id`).length
}

function* remember(index: TermIndex, memory: NewMemory, options: RememberOptions): Steps<RememberOutcome> {
  const { scope, origin, ttlMs } = memory
  const columns = toStoredColumns(memory)
  yield* lockOwner(scope)
  const at = yield* readNow()
  // An expired memory must neither count nor be replaced by this memory.
  yield* remove(index, sql`${isOwnedBy(scope)} AND expires_at <= ${at}`)
  const [row] = yield selectMemory(scope, memory, at)
  const stored = row === undefined ? null : { memory: toMemory(row), bytes: readInteger(row, "bytes") }
  const [totals = {}] = yield selectTotals(scope)
  const refusal = findRefusal(
    {
      stored,
      totals: { count: readInteger(totals, "count"), bytes: readInteger(totals, "bytes") },
      bytes: columns.bytes,
      isRevoked: origin !== null && (yield* isRevoked(origin.sessionId)),
    },
    options,
  )
  if (refusal !== null) return refusal
  const [tenant, userId, agent] = toScopeValues(scope)
  const words = createWordsColumn(index.column(columns.terms))
  const [written] = yield sql`
    INSERT INTO ${schema}memory (tenant, user_id, agent, entity_type, name, content, tags, session_id, run_id, bytes,
      vector_model, vector, revision, created_at, updated_at, expires_at
      ${words.name})
    VALUES (${tenant}, ${userId}, ${agent}, ${columns.entityType}, ${columns.name}, ${columns.content},
      ${columns.tags}, ${columns.sessionId}, ${columns.runId}, ${columns.bytes}, ${columns.vectorModel},
      ${columns.vector}, 1, ${at}, ${at}, ${ttlMs === null ? null : at + ttlMs}
      ${words.value})
    ON CONFLICT (tenant, user_id, agent, entity_type, name) DO UPDATE SET
      content = excluded.content, tags = excluded.tags, session_id = excluded.session_id,
      run_id = excluded.run_id, bytes = excluded.bytes, vector_model = excluded.vector_model,
      vector = excluded.vector, revision = memory.revision + 1, updated_at = excluded.updated_at,
      expires_at = excluded.expires_at
      ${words.update}
    RETURNING ${memoryColumns}`
  if (written === undefined) throw new Error("The memory was not stored.")
  yield* index.add(readInteger(written, "id"), scope, columns.terms)
  return createStoredOutcome(toMemory(written), stored)
}

/** Returns the parts of the statement that store the terms in a column. */
function createWordsColumn(column: ReturnType<TermIndex["column"]>) {
  if (column === null) return { name: sql``, value: sql``, update: sql`` }
  const { name, value } = column
  return { name: sql`, ${name}`, value: sql`, ${value}`, update: sql`, ${name} = excluded.${name}` }
}

function* isRevoked(sessionId: string): Steps<boolean> {
  const revoked =
    yield sql`SELECT id FROM ${schema}session WHERE id = ${sessionId} AND revoked_at IS NOT NULL`
  return revoked.length > 0
}
