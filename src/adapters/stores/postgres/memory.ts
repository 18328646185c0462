import { toScopeValues } from "../memory/sql.ts"
import { readInteger } from "../rows/columns.ts"
import type { TermIndex } from "../sql/memory.ts"
import { createText, sql } from "../sql/statement.ts"
import type { Query } from "./database/database.ts"

/** Creates the index of terms, which is a column of the memories. */
export function createTermIndex(query: Query): TermIndex {
  return {
    column: (terms) => ({
      name: createText("words"),
      value: sql`array_to_tsvector(ARRAY(SELECT json_array_elements_text(${JSON.stringify(terms)}::json)))`,
    }),
    *add() {},
    *remove() {},
    // The number of one principal's rows is bounded, so an index on the words would save nothing.
    async find(scope, terms) {
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
    },
  }
}
