import { createHash } from "node:crypto"
import { canonicalJson } from "../core/canonical-json.ts"
import type { Json } from "../core/json.ts"
import type { Grant, GrantRevocation, ToolType } from "../core/ports/approvals.ts"
import { integer, json, type Row } from "./columns.ts"

/**
 * Returns a tool type as a column that can be indexed: a qualifier may be longer than Postgres takes in an index, and
 * may have characters that a database refuses.
 */
export function toolTypeKey({ toolName, qualifier, origin }: ToolType): string {
  const type: Json = [toolName, qualifier, origin && { ...origin }]
  return createHash("sha256").update(canonicalJson(type)).digest("hex")
}

/** Returns the grants of rows with a `body`. Those of older versions named no origin: they have lapsed. */
export function toGrants(rows: readonly Row[]): readonly Grant[] {
  return rows.map((row) => json<Grant>(row, "body")).filter(({ origin }) => origin !== undefined)
}

/** Returns the grants that the revocation is for, with the `id` of their rows. */
export function revokedGrants(
  rows: readonly Row[],
  { toolName, qualifier }: GrantRevocation,
): readonly { readonly id: number; readonly grant: Grant }[] {
  return rows
    .flatMap((row) => toGrants([row]).map((grant) => ({ id: integer(row, "id"), grant })))
    .filter(({ grant }) => grant.toolName === toolName && grant.qualifier === qualifier)
}
