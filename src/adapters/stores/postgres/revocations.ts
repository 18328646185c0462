import type { Revocations } from "../../../core/ports/store/revocations.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import type { Query } from "./database/database.ts"
import { nowMs } from "./schema.ts"

export function createRevocations(query: Query): Revocations {
  return {
    async validAfter({ tenant, userId }) {
      const [row] = await query(
        "SELECT valid_after FROM agent_gateway.revocation WHERE tenant = $1 AND user_id = $2",
        [escapeText(tenant), escapeText(userId)],
      )
      return row === undefined ? 0 : readInteger(row, "valid_after")
    },
    async revoke({ tenant, userId }) {
      const [row] = await query(
        `INSERT INTO agent_gateway.revocation (tenant, user_id, valid_after) VALUES ($1, $2, ${nowMs})
         ON CONFLICT (tenant, user_id)
         DO UPDATE SET valid_after = greatest(excluded.valid_after, revocation.valid_after + 1)
         RETURNING valid_after`,
        [escapeText(tenant), escapeText(userId)],
      )
      return readInteger(row ?? {}, "valid_after")
    },
  }
}
