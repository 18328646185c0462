import type { ServedAgents } from "../directory/create-directory.ts"
import { escapeText, readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"
import { isLive } from "./leases/membership.ts"

/** `owner` is the id of this process. */
export function createServedAgents(database: Database, owner: string): ServedAgents {
  return {
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
  }
}
