import type { MemoryKey, MemoryOwnersQuery, MemoryScope } from "../../../core/ports/store/memory.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import { escapeText } from "../rows/columns.ts"
import { createText, isOneOfNumbers, joinConditions, type Sql, schema, sql } from "../sql/statement.ts"

/** The columns of `toMemory`. */
export const memoryColumns = createText(`id, entity_type, name, content, tags, session_id, run_id, revision,
  created_at, updated_at, expires_at`)

/** Columns that the rank of a memory depends on. */
const headColumns = createText("id, entity_type, name, tags, updated_at")

/** Start position in the order of ids, and maximum rows of one statement. */
export interface MemorySlice {
  readonly afterId: number
  readonly count: number
}

/** `at` is the time of the store's clock. */
export function selectMemory(scope: MemoryScope, { entityType, name }: MemoryKey, at: number): Sql {
  return sql`SELECT ${memoryColumns}, bytes FROM ${schema}memory WHERE ${isAliveIn(scope, at)}
    AND entity_type = ${escapeText(entityType)} AND name = ${escapeText(name)}`
}

export function selectByIds(scope: MemoryScope, ids: readonly number[], at: number): Sql {
  return sql`SELECT ${memoryColumns} FROM ${schema}memory WHERE ${isAliveIn(scope, at)} AND ${isOneOfNumbers("id", ids)}`
}

export function selectHeads(scope: MemoryScope, { afterId, count }: MemorySlice, at: number): Sql {
  return sql`SELECT ${headColumns} FROM ${schema}memory
    WHERE ${isAliveIn(scope, at)} AND id > ${afterId} ORDER BY id LIMIT ${count}`
}

export function selectHeadsByIds(scope: MemoryScope, ids: readonly number[], at: number): Sql {
  return sql`SELECT ${headColumns} FROM ${schema}memory WHERE ${isAliveIn(scope, at)} AND ${isOneOfNumbers("id", ids)}`
}

export function selectVectors(
  scope: MemoryScope,
  model: string,
  { slice: { afterId, count }, at }: { readonly slice: MemorySlice; readonly at: number },
): Sql {
  return sql`SELECT id, vector FROM ${schema}memory WHERE ${isAliveIn(scope, at)}
    AND id > ${afterId} AND vector_model = ${escapeText(model)} ORDER BY id LIMIT ${count}`
}

export function selectPage(
  scope: MemoryScope,
  after: MemoryKey | undefined,
  { count, at }: { readonly count: number; readonly at: number },
): Sql {
  // Types and names are never empty, so the empty position precedes all of them.
  const position = sql`(${escapeText(after?.entityType ?? "")}, ${escapeText(after?.name ?? "")})`
  return sql`SELECT ${memoryColumns} FROM ${schema}memory
    WHERE ${isAliveIn(scope, at)} AND (entity_type, name) > ${position}
    ORDER BY entity_type, name LIMIT ${count}`
}

export function selectOwners({ after, tenant: only, limit }: MemoryOwnersQuery, at: number): Sql {
  const [tenant, userId, agent] = after === undefined ? ["", "", ""] : toScopeValues(after)
  // No tenant is empty, so the empty position precedes all of them.
  const conditions = joinConditions([
    sql`(tenant, user_id, agent) > (${tenant}, ${userId}, ${agent})`,
    isAlive(at),
    only === undefined ? null : sql`tenant = ${escapeText(only)}`,
  ])
  return sql`SELECT tenant, user_id, agent, count(*) AS count, max(updated_at) AS updated_at FROM ${schema}memory
    WHERE ${conditions} GROUP BY tenant, user_id, agent ORDER BY tenant, user_id, agent LIMIT ${limit}`
}

export function countMemories(scope: MemoryScope, at: number): Sql {
  return sql`SELECT count(*) AS count FROM ${schema}memory WHERE ${isAliveIn(scope, at)}`
}

export function selectTotals(principal: Principal): Sql {
  return sql`SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM ${schema}memory
    WHERE ${isOwnedBy(principal)}`
}

export function isOwnedBy({ tenant, userId }: Principal): Sql {
  return sql`tenant = ${escapeText(tenant)} AND user_id = ${escapeText(userId)}`
}

export function isInScope(scope: MemoryScope): Sql {
  return sql`${isOwnedBy(scope)} AND agent = ${toStoredAgent(scope.agent)}`
}

function isAliveIn(scope: MemoryScope, at: number): Sql {
  return sql`${isInScope(scope)} AND ${isAlive(at)}`
}

function isAlive(at: number): Sql {
  return sql`(expires_at IS NULL OR expires_at > ${at})`
}

/** Returns the values of the columns `tenant`, `user_id` and `agent`. */
export function toScopeValues({ tenant, userId, agent }: MemoryScope): readonly [string, string, string] {
  return [escapeText(tenant), escapeText(userId), toStoredAgent(agent)]
}

/** Returns the stored agent. No agent has an empty name. */
export function toStoredAgent(agent: string | null): string {
  return agent === null ? "" : escapeText(agent)
}
