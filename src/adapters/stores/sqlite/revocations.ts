import type { Revocations } from "../../../core/ports/store/revocations.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import type { Database } from "./database/database.ts"

export function createRevocations(database: Database, clock: Clock): Revocations {
  const find = ({ tenant, userId }: Principal): number => {
    const row = database.get(
      "SELECT valid_after FROM revocation WHERE tenant = ? AND user_id = ?",
      escapeText(tenant),
      escapeText(userId),
    )
    return row === undefined ? 0 : readInteger(row, "valid_after")
  }
  return {
    validAfter: (principal) => database.read(() => find(principal)),
    revoke: (principal) =>
      database.write(() => {
        database.run(
          `INSERT INTO revocation (tenant, user_id, valid_after) VALUES (?, ?, ?)
           ON CONFLICT (tenant, user_id) DO UPDATE SET valid_after = max(excluded.valid_after, valid_after + 1)`,
          escapeText(principal.tenant),
          escapeText(principal.userId),
          clock.now(),
        )
        return find(principal)
      }),
  }
}
