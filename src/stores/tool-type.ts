import { createHash } from "node:crypto"

/**
 * A tool type as a column that can be indexed: a qualifier may be longer than Postgres takes in an index,
 * and may have characters that a database refuses.
 */
export function toolTypeKey({
  toolName,
  qualifier,
}: {
  readonly toolName: string
  readonly qualifier: string | null
}): string {
  return createHash("sha256")
    .update(JSON.stringify([toolName, qualifier]))
    .digest("hex")
}
