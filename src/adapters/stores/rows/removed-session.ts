/**
 * SQL: the outbox rows that report removed sessions, as `id`, `payload` and the size of the payload. `session` names
 * the table of these sessions, and `size` returns SQL for the bytes of a text. The payload is a `RemovedSession` as
 * JSON.
 */
export function selectRemovedSessions(session: string, size: (text: string) => string): string {
  // The store keeps these texts with JSON escapes, so they only need quotes.
  const quoteColumn = (column: string) => `'"' || ${session}.${column} || '"'`
  const members = [
    `'{"tenant":' || ${quoteColumn("tenant")}`,
    `',"userId":' || ${quoteColumn("user_id")}`,
    `',"agent":' || ${quoteColumn("agent")}`,
    `',"parentSessionId":' || coalesce(${quoteColumn("parent_session_id")}, 'null')`,
    `',"createdAt":' || ${session}.created_at`,
    `',"lastUsedAt":' || ${session}.last_used_at || '}'`,
  ]
  return `SELECT id, payload, ${size("payload")} AS bytes
    FROM (SELECT ${session}.id, ${members.join(" || ")} AS payload FROM ${session}) AS removed`
}

/** Start of the ids of the outbox items of a removed session, before the kind. A session is removed once. */
export const removedSessionPrefix = "expired:"
