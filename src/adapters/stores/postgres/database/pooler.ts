import { setTimeout as delay } from "node:timers/promises"
import type { Client, ClientConfig } from "pg"
import { readInteger } from "../../rows/columns.ts"
import { toStoreError } from "./failures.ts"

/** The final message of a silent connection never arrives. */
const endMs = 2_000

/**
 * Resolves to true if a connection pooler such as PgBouncer is between this process and the server. A pooler gives its
 * clients ids of its own, because their transactions may go to different server processes.
 */
export async function detectPooler(driver: typeof import("pg"), config: ClientConfig): Promise<boolean> {
  const client: Client & { readonly processID?: number | null } = new driver.Client(config)
  // Without a listener, the loss of an idle connection ends this process. The next call reports the loss too.
  client.on("error", () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query("SELECT pg_backend_pid() AS id")
    return readInteger(rows[0] ?? {}, "id") !== client.processID
  } catch (error) {
    throw toStoreError(error)
  } finally {
    await Promise.race([client.end(), delay(endMs, undefined, { ref: false })])
  }
}
