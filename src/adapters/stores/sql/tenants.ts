import { escapeText } from "../rows/columns.ts"
import { type Sql, schema, sql } from "./statement.ts"

/** Returns the condition that the row's session belongs to the tenant. Null without a tenant. */
export function isOfTenant(tenant: string | undefined): Sql | null {
  if (tenant === undefined) return null
  return sql`session_id IN (SELECT id FROM ${schema}session WHERE tenant = ${escapeText(tenant)})`
}
