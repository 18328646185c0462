import type { Directory } from "../../../core/ports/store/directory.ts"
import { createDirectory } from "../directory/create-directory.ts"
import { escapeText, readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"
import { isLive } from "./leases/membership.ts"

/** Creates the directory. `owner` is the id of this process. */
export function createPostgresDirectory(database: Database, owner: string): Directory {
  return createDirectory({
    schema: "agent_gateway.",
    all: ({ sql, values }) => database.query(numberPlaceholders(sql), values),
    async served() {
      const rows = await database.query(
        `SELECT DISTINCT agent FROM agent_gateway.served_agent WHERE ${isLive("served_agent.process")}`,
      )
      return new Set(rows.map((row) => readText(row, "agent")))
    },
    async serve(agents) {
      await database.transaction(async (query) => {
        await query(
          `DELETE FROM agent_gateway.served_agent WHERE process = $1 OR process NOT IN
             (SELECT id FROM agent_gateway.process)`,
          [owner],
        )
        await query(
          "INSERT INTO agent_gateway.served_agent (process, agent) SELECT DISTINCT $1::text, unnest($2::text[])",
          [owner, agents.map(escapeText)],
        )
      })
    },
  })
}

/** Converts the placeholders into numbered ones for Postgres. */
function numberPlaceholders(sql: string): string {
  let count = 0
  return sql.replaceAll("?", () => `$${++count}`)
}
