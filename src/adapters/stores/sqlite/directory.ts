import type { ServedAgents } from "../directory/create-directory.ts"
import { escapeText, readText } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"
import type { Membership } from "./leases/membership.ts"

export function createServedAgents(database: Database, membership: Membership): ServedAgents {
  return {
    async served() {
      const rows = await database.read(() => database.all("SELECT process, agent FROM served_agent"))
      const live = new Set(
        [...new Set(rows.map((row) => readText(row, "process")))].filter((process) =>
          membership.isLive(process),
        ),
      )
      return new Set(
        rows.filter((row) => live.has(readText(row, "process"))).map((row) => readText(row, "agent")),
      )
    },
    async serve(agents) {
      const known = await database.read(() => database.all("SELECT DISTINCT process FROM served_agent"))
      const gone = known
        .map((row) => readText(row, "process"))
        .filter((process) => !membership.isLive(process))
      await database.write(() => {
        for (const process of [...gone, membership.id]) {
          database.run("DELETE FROM served_agent WHERE process = ?", process)
        }
        for (const agent of new Set(agents)) {
          database.run(
            "INSERT INTO served_agent (process, agent) VALUES (?, ?)",
            membership.id,
            escapeText(agent),
          )
        }
      })
    },
  }
}
