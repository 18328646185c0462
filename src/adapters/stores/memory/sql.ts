import type { MemoryKey, MemoryOwnersQuery, MemoryScope } from "../../../core/ports/store/memory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { escapeText } from "../rows/columns.ts"

/** A statement with `?` in place of its values. */
export interface MemoryStatement {
  readonly sql: string
  readonly values: readonly (string | number | null)[]
}

/** The parts of the statements that differ between the databases. */
export interface MemoryDialect {
  /** Prefix of every table. */
  readonly schema: "" | "agent_gateway."
  /** A table of the numbers in a JSON array, which is the parameter. */
  readonly numbers: string
}

/** SQL: the columns of `toMemory`. */
export const memoryColumns = `id, entity_type, name, content, tags, session_id, run_id, revision, created_at,
  updated_at, expires_at`

/** Columns that the rank of a memory depends on. */
const headColumns = "id, entity_type, name, tags, updated_at"

/** Start position in the order of ids, and maximum rows of one statement. */
export interface MemorySlice {
  readonly afterId: number
  readonly count: number
}

const inScope = "tenant = ? AND user_id = ? AND agent = ?"
const isAlive = "(expires_at IS NULL OR expires_at > ?)"

/** Returns statements for both databases. `now` is the time of the store's clock. */
export function createMemorySql({ schema, numbers }: MemoryDialect) {
  const memory = `${schema}memory`
  return {
    get: (scope: MemoryScope, { entityType, name }: MemoryKey, now: number): MemoryStatement => ({
      sql: `SELECT ${memoryColumns}, bytes FROM ${memory}
        WHERE ${inScope} AND entity_type = ? AND name = ? AND ${isAlive}`,
      values: [...toScopeValues(scope), escapeText(entityType), escapeText(name), now],
    }),
    byIds: (scope: MemoryScope, ids: readonly number[], now: number): MemoryStatement => ({
      sql: `SELECT ${memoryColumns} FROM ${memory} WHERE ${inScope} AND id IN (${numbers}) AND ${isAlive}`,
      values: [...toScopeValues(scope), JSON.stringify(ids), now],
    }),
    heads: (scope: MemoryScope, { afterId, count }: MemorySlice, now: number): MemoryStatement => ({
      sql: `SELECT ${headColumns} FROM ${memory}
        WHERE ${inScope} AND id > ? AND ${isAlive} ORDER BY id LIMIT ?`,
      values: [...toScopeValues(scope), afterId, now, count],
    }),
    headsByIds: (scope: MemoryScope, ids: readonly number[], now: number): MemoryStatement => ({
      sql: `SELECT ${headColumns} FROM ${memory} WHERE ${inScope} AND id IN (${numbers}) AND ${isAlive}`,
      values: [...toScopeValues(scope), JSON.stringify(ids), now],
    }),
    vectors: (
      scope: MemoryScope,
      model: string,
      { afterId, count }: MemorySlice,
      now: number,
    ): MemoryStatement => ({
      sql: `SELECT id, vector FROM ${memory}
        WHERE ${inScope} AND id > ? AND vector_model = ? AND ${isAlive} ORDER BY id LIMIT ?`,
      values: [...toScopeValues(scope), afterId, escapeText(model), now, count],
    }),
    list: (
      scope: MemoryScope,
      after: MemoryKey | undefined,
      count: number,
      now: number,
    ): MemoryStatement => ({
      sql: `SELECT ${memoryColumns} FROM ${memory}
        WHERE ${inScope} AND (entity_type, name) > (?, ?) AND ${isAlive}
        ORDER BY entity_type, name LIMIT ?`,
      values: [
        ...toScopeValues(scope),
        // Types and names are never empty, so this position precedes all of them.
        escapeText(after?.entityType ?? ""),
        escapeText(after?.name ?? ""),
        now,
        count,
      ],
    }),
    owners: ({ after, tenant, limit }: MemoryOwnersQuery, now: number): MemoryStatement => ({
      sql: `SELECT tenant, user_id, agent, count(*) AS count, max(updated_at) AS updated_at FROM ${memory}
        WHERE (tenant, user_id, agent) > (?, ?, ?) AND ${isAlive}${tenant === undefined ? "" : " AND tenant = ?"}
        GROUP BY tenant, user_id, agent ORDER BY tenant, user_id, agent LIMIT ?`,
      // No tenant is empty, so this position precedes all of them.
      values: [
        ...(after === undefined ? ["", "", ""] : toScopeValues(after)),
        now,
        ...(tenant === undefined ? [] : [escapeText(tenant)]),
        limit,
      ],
    }),
    count: (scope: MemoryScope, now: number): MemoryStatement => ({
      sql: `SELECT count(*) AS count FROM ${memory} WHERE ${inScope} AND ${isAlive}`,
      values: [...toScopeValues(scope), now],
    }),
    totals: ({ tenant, userId }: Principal): MemoryStatement => ({
      sql: `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM ${memory}
        WHERE tenant = ? AND user_id = ?`,
      values: [escapeText(tenant), escapeText(userId)],
    }),
  }
}

export type MemorySql = ReturnType<typeof createMemorySql>

/** Returns the values of the columns `tenant`, `user_id` and `agent`. */
export function toScopeValues({ tenant, userId, agent }: MemoryScope): readonly [string, string, string] {
  return [escapeText(tenant), escapeText(userId), toStoredAgent(agent)]
}

/** Returns the stored agent. No agent has an empty name. */
export function toStoredAgent(agent: string | null): string {
  return agent === null ? "" : escapeText(agent)
}
