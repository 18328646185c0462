import { expect, test } from "vitest"
import { createText, type Dialect, joinConditions, now, renderSql, schema, sql } from "./statement.ts"

const dialect: Dialect = {
  schema: "agent_gateway.",
  placeholder: (number) => `$${number}`,
  now: () => sql`${7}`,
  lastSeq: createText("0"),
  lockRows: createText,
  lockName: (name) => sql`lock ${name}`,
  isOneOf: (column, _type, values) => sql`${createText(column)} = ANY(${JSON.stringify(values)})`,
  records: () => sql`()`,
}

test("values become parameters in the order of the text, those of fragments included", () => {
  const owned = joinConditions([sql`tenant = ${"a"}`, null, sql`user_id = ${"b"}`])
  const statement = sql`SELECT ${now} FROM ${schema}memory WHERE ${owned} LIMIT ${3}`
  expect(renderSql(statement, dialect)).toEqual({
    text: "SELECT $1 FROM agent_gateway.memory WHERE true AND tenant = $2 AND user_id = $3 LIMIT $4",
    values: [7, "a", "b", 3],
  })
})

test("null and bytes are values, not fragments", () => {
  const bytes = Uint8Array.of(1)
  expect(renderSql(sql`VALUES (${null}, ${bytes})`, dialect)).toEqual({
    text: "VALUES ($1, $2)",
    values: [null, bytes],
  })
})
