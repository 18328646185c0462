import type { Revocations } from "../../../core/ports/store/revocations.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { now, type SqlDatabase, schema, sql } from "./statement.ts"

export function createRevocations({ read, write }: SqlDatabase): Revocations {
  return {
    async validAfter({ tenant, userId }) {
      const [row] = await read(sql`SELECT valid_after FROM ${schema}revocation
        WHERE tenant = ${escapeText(tenant)} AND user_id = ${escapeText(userId)}`)
      return row === undefined ? 0 : readInteger(row, "valid_after")
    },
    async revoke({ tenant, userId }) {
      const [row = {}] = await write(sql`INSERT INTO ${schema}revocation (tenant, user_id, valid_after)
        VALUES (${escapeText(tenant)}, ${escapeText(userId)}, ${now})
        ON CONFLICT (tenant, user_id) DO UPDATE SET valid_after =
          CASE WHEN excluded.valid_after > revocation.valid_after THEN excluded.valid_after
          ELSE revocation.valid_after + 1 END
        RETURNING valid_after`)
      return readInteger(row, "valid_after")
    },
  }
}
