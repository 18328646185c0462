import type { Client } from "pg"
import { readInteger } from "../../rows/columns.ts"

/**
 * Resolves to true if a connection pooler such as PgBouncer is between this process and the server. A pooler gives its
 * clients ids of its own, because their transactions may go to different server processes.
 */
export async function isBehindPooler(client: Client): Promise<boolean> {
  const { processID } = client as Client & { readonly processID?: number | null }
  const { rows } = await client.query("SELECT pg_backend_pid() AS id")
  return readInteger(rows[0] ?? {}, "id") !== processID
}
