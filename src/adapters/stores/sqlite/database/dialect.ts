import { createText, type Dialect, renderSql, type Sql, sql } from "../../sql/statement.ts"
import { lastSeq } from "../schema.ts"

/** Returns the text and the parameters of a statement. SQLite has no booleans. */
export function renderForSqlite(statement: Sql, now: number) {
  const { text, values } = renderSql(statement, createDialect(now))
  return { text, values: values.map((value) => (typeof value === "boolean" ? Number(value) : value)) }
}

function createDialect(now: number): Dialect {
  return {
    schema: "",
    placeholder: () => "?",
    now: () => sql`${now}`,
    lastSeq: createText(lastSeq),
    // Only one transaction writes at a time.
    lockRows: () => sql``,
    lockName: () => sql``,
    isOneOf: (column, _type, values) =>
      sql`${createText(column)} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`,
    records(columns, records) {
      const selected = Object.keys(columns).map((name) => `value ->> '${name}' AS ${name}`)
      return sql`(SELECT ${createText(selected.join(", "))} FROM json_each(${JSON.stringify(records)}))`
    },
  }
}
