import { createHash } from "node:crypto"
import type { Memory, MemoryScope, NewMemory, RememberOptions } from "../../../core/ports/store/memory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { findMemories, listMemories, listMemoryOwners, type MemoryReader } from "../memory/recall.ts"
import { createStoredOutcome, findRefusal, type StoredMemory } from "../memory/remember-rules.ts"
import { toMemory, toStoredColumns } from "../memory/rows.ts"
import {
  createMemorySql,
  type MemoryStatement,
  memoryColumns,
  toScopeValues,
  toStoredAgent,
} from "../memory/sql.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"

const sql = createMemorySql({ schema: "", numbers: "SELECT value FROM json_each(?)" })

/** `emptyLog` empties the write-ahead log, which has earlier copies of what was deleted. */
export function createMemory(database: Database, clock: Clock, emptyLog: () => Promise<void>): Memory {
  const reader: MemoryReader = {
    sql,
    all: (statement) => database.read(() => readAll(database, statement)),
    matching: (scope, terms) =>
      database.read(() =>
        terms.map((term) => ({
          term,
          ids: database
            .all(
              "SELECT rowid AS id FROM memory_text WHERE memory_text MATCH ?",
              `"${createOwnerPrefix(scope)}${term.text}"${term.isPrefix ? "*" : ""}`,
            )
            .map((row) => readInteger(row, "id")),
        })),
      ),
    now: async () => clock.now(),
  }
  return {
    remember: (memory, options) => database.write(() => remember(database, memory, options, clock.now())),
    get: (scope, key) =>
      database.read(() => {
        const [row] = readAll(database, sql.get(scope, key, clock.now()))
        return row === undefined ? null : toMemory(row)
      }),
    recall: (scope, query) => findMemories(reader, scope, query),
    list: (scope, query) => listMemories(reader, scope, query),
    owners: (query) => listMemoryOwners(reader, query),
    forget: (scope, key, { expected } = {}) =>
      database.write(() => {
        const [row] = readAll(database, sql.get(scope, key, clock.now()))
        if (row === undefined) return "unknown"
        if (expected !== undefined && toMemory(row).revision !== expected) return "changed"
        remove(database, "id = ?", [readInteger(row, "id")])
        return "forgotten"
      }),
    forgetNamed: (scope, name) =>
      database.write(() =>
        remove(database, "tenant = ? AND user_id = ? AND agent = ? AND name = ?", [
          ...toScopeValues(scope),
          escapeText(name),
        ]),
      ),
    forgetAll: ({ tenant, userId, agent }) =>
      database.write(() => {
        const owner = [escapeText(tenant), escapeText(userId)]
        if (agent === undefined) return remove(database, "tenant = ? AND user_id = ?", owner)
        return remove(database, "tenant = ? AND user_id = ? AND agent = ?", [...owner, toStoredAgent(agent)])
      }),
    prune: (limit) =>
      database.write(() =>
        remove(database, "id IN (SELECT id FROM memory WHERE expires_at <= ? LIMIT ?)", [clock.now(), limit]),
      ),
    async erase() {
      await removeDeletedTerms(database)
      await emptyLog()
    },
  }
}

function remember(database: Database, memory: NewMemory, options: RememberOptions, now: number) {
  const { scope, origin, ttlMs } = memory
  const columns = toStoredColumns(memory)
  removeExpired(database, scope, now)
  const stored = findStoredMemory(database, memory, now)
  const [totals = {}] = readAll(database, sql.totals(scope))
  const refusal = findRefusal(
    {
      stored,
      totals: { count: readInteger(totals, "count"), bytes: readInteger(totals, "bytes") },
      bytes: columns.bytes,
      isRevoked: origin !== null && isRevoked(database, origin.sessionId),
    },
    options,
  )
  if (refusal !== null) return refusal
  const written = database.get(
    `INSERT INTO memory (tenant, user_id, agent, entity_type, name, content, tags, session_id, run_id, bytes,
       vector_model, vector, revision, created_at, updated_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
     ON CONFLICT (tenant, user_id, agent, entity_type, name) DO UPDATE SET
       content = excluded.content, tags = excluded.tags, session_id = excluded.session_id,
       run_id = excluded.run_id, bytes = excluded.bytes, vector_model = excluded.vector_model,
       vector = excluded.vector, revision = memory.revision + 1, updated_at = excluded.updated_at,
       expires_at = excluded.expires_at
     RETURNING ${memoryColumns}`,
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
    now,
    now,
    ttlMs === null ? null : now + ttlMs,
  )
  if (written === undefined) throw new Error("The memory was not stored.")
  const id = readInteger(written, "id")
  const prefix = createOwnerPrefix(scope)
  database.run("DELETE FROM memory_text WHERE rowid = ?", id)
  database.run(
    "INSERT INTO memory_text (rowid, words) VALUES (?, ?)",
    id,
    columns.terms.map((term) => prefix + term).join(" "),
  )
  return createStoredOutcome(toMemory(written), stored)
}

function findStoredMemory(database: Database, memory: NewMemory, now: number): StoredMemory | null {
  const [row] = readAll(database, sql.get(memory.scope, memory, now))
  return row === undefined ? null : { memory: toMemory(row), bytes: readInteger(row, "bytes") }
}

/** Removes expired memories, because they must neither count nor be replaced by a new memory. */
function removeExpired(database: Database, { tenant, userId }: Principal, now: number): void {
  remove(database, "tenant = ? AND user_id = ? AND expires_at <= ?", [
    escapeText(tenant),
    escapeText(userId),
    now,
  ])
}

function isRevoked(database: Database, sessionId: string): boolean {
  const revoked = "SELECT 1 FROM session WHERE id = ? AND revoked_at IS NOT NULL"
  return database.get(revoked, sessionId) !== undefined
}

function remove(database: Database, condition: string, values: readonly (string | number)[]): number {
  const ids = `SELECT id FROM memory WHERE ${condition}`
  database.run(`DELETE FROM memory_text WHERE rowid IN (${ids})`, ...values)
  return database.run(`DELETE FROM memory WHERE ${condition}`, ...values)
}

/** Pages of the index of terms that one transaction writes: 5 ms on the event loop (rule 15). */
const mergedPages = 16

/**
 * Rewrites the index of terms without those of deleted memories, which a deletion only marks. With 100 000 memories,
 * this takes a second. https://sqlite.org/fts5.html#the_merge_command
 */
async function removeDeletedTerms(database: Database): Promise<void> {
  const merge = (pages: number) =>
    database.write(() => {
      const before = readTotalChanges(database)
      database.run("INSERT INTO memory_text (memory_text, rank) VALUES ('merge', ?)", pages)
      return readTotalChanges(database) - before
    })
  // A negative number starts to merge everything. Less than two changes mean that nothing is left to merge.
  for (let pages = -mergedPages; (await merge(pages)) >= 2; pages = mergedPages);
}

function readTotalChanges(database: Database): number {
  return readInteger(database.get("SELECT total_changes() AS changes") ?? {}, "changes")
}

function readAll(database: Database, { sql: statement, values }: MemoryStatement) {
  return database.all(statement, ...values)
}

/**
 * Returns the prefix of each term of a scope. It makes a search read only the terms of that scope, however many
 * memories others have. Rows distinguish two scopes with the same digest.
 */
function createOwnerPrefix(scope: MemoryScope): string {
  return createHash("sha256")
    .update(JSON.stringify(toScopeValues(scope)))
    .digest("hex")
    .slice(0, 16)
}
