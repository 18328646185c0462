import type { Memory, MemoryScope, NewMemory, RememberOptions } from "../../../core/ports/store/memory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { findMemories, listMemories, listMemoryOwners, type MemoryReader } from "../memory/recall.ts"
import { createStoredOutcome, findRefusal } from "../memory/remember-rules.ts"
import { toMemory, toStoredColumns } from "../memory/rows.ts"
import {
  createMemorySql,
  type MemoryStatement,
  memoryColumns,
  toScopeValues,
  toStoredAgent,
} from "../memory/sql.ts"
import type { QueryTerm } from "../memory/terms.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import type { Database, Query } from "./database/database.ts"
import { nowMs } from "./schema.ts"

const sql = createMemorySql({
  schema: "agent_gateway.",
  numbers: "SELECT value::bigint FROM json_array_elements_text(?::json)",
})

export function createMemory(database: Database): Memory {
  const { query } = database
  const reader: MemoryReader = {
    sql,
    all: (statement) => queryAll(query, statement),
    matching: (scope, terms) => findMatching(query, scope, terms),
    now: () => now(query),
  }
  return {
    remember: (memory, options) => database.transaction((run) => remember(run, memory, options)),
    async get(scope, key) {
      const [row] = await queryAll(query, sql.get(scope, key, await now(query)))
      return row === undefined ? null : toMemory(row)
    },
    recall: (scope, wanted) => findMemories(reader, scope, wanted),
    list: (scope, wanted) => listMemories(reader, scope, wanted),
    owners: (wanted) => listMemoryOwners(reader, wanted),
    forget: (scope, key, { expected } = {}) =>
      database.transaction(async (run) => {
        await lock(run, scope)
        const [row] = await queryAll(run, sql.get(scope, key, await now(run)))
        if (row === undefined) return "unknown"
        if (expected !== undefined && toMemory(row).revision !== expected) return "changed"
        await run("DELETE FROM agent_gateway.memory WHERE id = $1", [readInteger(row, "id")])
        return "forgotten"
      }),
    async forgetNamed(scope, name) {
      const removed = await query(
        `DELETE FROM agent_gateway.memory
         WHERE tenant = $1 AND user_id = $2 AND agent = $3 AND name = $4 RETURNING id`,
        [...toScopeValues(scope), escapeText(name)],
      )
      return removed.length
    },
    async forgetAll({ tenant, userId, agent }) {
      return database.transaction(async (run) => {
        // A memory that is being stored at this moment must be deleted as well.
        await lock(run, { tenant, userId })
        const removed = await run(
          `DELETE FROM agent_gateway.memory
           WHERE tenant = $1 AND user_id = $2 AND ($3::text IS NULL OR agent = $3) RETURNING id`,
          [escapeText(tenant), escapeText(userId), agent === undefined ? null : toStoredAgent(agent)],
        )
        return removed.length
      })
    },
    async prune(limit) {
      const removed = await query(
        `DELETE FROM agent_gateway.memory WHERE id IN
           (SELECT id FROM agent_gateway.memory WHERE expires_at <= ${nowMs} LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING id`,
        [limit],
      )
      return removed.length
    },
  }
}

async function remember(query: Query, memory: NewMemory, options: RememberOptions) {
  const { scope, origin, ttlMs } = memory
  const columns = toStoredColumns(memory)
  await lock(query, scope)
  const time = await now(query)
  // An expired memory must neither count nor be replaced by this memory.
  await query("DELETE FROM agent_gateway.memory WHERE tenant = $1 AND user_id = $2 AND expires_at <= $3", [
    ...toPrincipalValues(scope),
    time,
  ])
  const [row] = await queryAll(query, sql.get(scope, memory, time))
  const stored = row === undefined ? null : { memory: toMemory(row), bytes: readInteger(row, "bytes") }
  const [totals = {}] = await queryAll(query, sql.totals(scope))
  const refusal = findRefusal(
    {
      stored,
      totals: { count: readInteger(totals, "count"), bytes: readInteger(totals, "bytes") },
      bytes: columns.bytes,
      isRevoked: origin !== null && (await isRevoked(query, origin.sessionId)),
    },
    options,
  )
  if (refusal !== null) return refusal
  const [written] = await query(
    `INSERT INTO agent_gateway.memory (tenant, user_id, agent, entity_type, name, content, tags, session_id,
       run_id, bytes, vector_model, vector, words, revision, created_at, updated_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, array_to_tsvector($13::text[]), 1, $14, $14, $15)
     ON CONFLICT (tenant, user_id, agent, entity_type, name) DO UPDATE SET
       content = excluded.content, tags = excluded.tags, session_id = excluded.session_id,
       run_id = excluded.run_id, bytes = excluded.bytes, vector_model = excluded.vector_model,
       vector = excluded.vector, words = excluded.words, revision = memory.revision + 1,
       updated_at = excluded.updated_at, expires_at = excluded.expires_at
     RETURNING ${memoryColumns}`,
    [
      ...toScopeValues(scope),
      columns.entityType,
      columns.name,
      columns.content,
      columns.tags,
      columns.sessionId,
      columns.runId,
      columns.bytes,
      columns.vectorModel,
      columns.vector,
      columns.terms,
      time,
      ttlMs === null ? null : time + ttlMs,
    ],
  )
  if (written === undefined) throw new Error("The memory was not stored.")
  return createStoredOutcome(toMemory(written), stored)
}

/** Reads the rows of one principal's scope. Their number is bounded, so an index on the words would save nothing. */
async function findMatching(query: Query, scope: MemoryScope, terms: readonly QueryTerm[]) {
  const rows = await query(
    `SELECT term.ordinality - 1 AS term, memory.id
     FROM unnest($4::text[]) WITH ORDINALITY AS term (query, ordinality)
     JOIN agent_gateway.memory ON memory.tenant = $1 AND memory.user_id = $2 AND memory.agent = $3
       AND memory.words @@ term.query::tsquery`,
    [...toScopeValues(scope), terms.map(({ text, isPrefix }) => `'${text}'${isPrefix ? ":*" : ""}`)],
  )
  const ids = terms.map((): number[] => [])
  for (const row of rows) ids[readInteger(row, "term")]?.push(readInteger(row, "id"))
  return terms.map((term, index) => ({ term, ids: ids[index] ?? [] }))
}

/** Serializes the writes of one principal, so that together they respect its bounds. */
async function lock(query: Query, principal: Principal): Promise<void> {
  const name = JSON.stringify(["memory", ...toPrincipalValues(principal)])
  await query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [name])
}

async function isRevoked(query: Query, sessionId: string): Promise<boolean> {
  const [row] = await query(
    "SELECT 1 AS revoked FROM agent_gateway.session WHERE id = $1 AND revoked_at IS NOT NULL",
    [sessionId],
  )
  return row !== undefined
}

async function now(query: Query): Promise<number> {
  const [row] = await query(`SELECT ${nowMs} AS now`)
  return readInteger(row ?? {}, "now")
}

function queryAll(query: Query, { sql: statement, values }: MemoryStatement) {
  let count = 0
  return query(
    statement.replaceAll("?", () => `$${++count}`),
    values,
  )
}

function toPrincipalValues({ tenant, userId }: Principal): readonly [string, string] {
  return [escapeText(tenant), escapeText(userId)]
}
