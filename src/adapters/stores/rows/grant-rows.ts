import { createHash } from "node:crypto"
import { toCanonicalJson } from "../../../core/json/canonical-json.ts"
import type { Json } from "../../../core/json/json.ts"
import type { Grant, GrantRevocation } from "../../../core/ports/store/approvals.ts"
import { type Row, readInteger, readJson } from "./columns.ts"

/**
 * Returns the tool type and the scope of a grant as a column that can be indexed. A qualifier may be too long for an
 * index of Postgres, and may have characters that a database refuses.
 */
export function toToolTypeKey(grant: Grant): string {
  const { toolName, qualifier, origin } = grant
  const type: Json = [toolName, qualifier, origin && { ...origin }, ...(isOfTree(grant) ? ["tree"] : [])]
  return createHash("sha256").update(toCanonicalJson(type)).digest("hex")
}

/** Returns the grants that apply to the session, from rows that belong to it or to the root of its tree. */
export function toGrants(rows: readonly Row[], sessionId: string): readonly Grant[] {
  return rows
    .map((row) => readJson<Grant>(row, "body"))
    .filter((grant) => grant.sessionId === sessionId || isOfTree(grant))
}

function isOfTree({ scope }: Pick<Grant, "scope">): boolean {
  return scope === "tree"
}

/** Returns the grants of the revocation, with the `id` of their rows. */
export function selectRevokedGrants(
  rows: readonly Row[],
  { sessionId, toolName, qualifier }: GrantRevocation,
): readonly { readonly id: number; readonly grant: Grant }[] {
  return rows
    .flatMap((row) => toGrants([row], sessionId).map((grant) => ({ id: readInteger(row, "id"), grant })))
    .filter(({ grant }) => grant.toolName === toolName && grant.qualifier === qualifier)
}
