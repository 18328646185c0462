import { rm } from "node:fs/promises"
import { startEmbeddedPostgres, toPatientUrl } from "../../../src/testing/fixtures/embedded-postgres.ts"
import type { OnEnd } from "./on-end.ts"

/** A real server whose data survives a stop. */
export interface Postgres {
  /** Resolves to the URL of a new, empty database. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts a server. `folder` is the folder of its data; default: that of temporary files. */
export async function startPostgres(
  onEnd: OnEnd,
  options: { readonly folder?: string } = {},
): Promise<Postgres> {
  const { server, databaseDir, urlOf } = await startEmbeddedPostgres({ persistent: true, ...options })
  onEnd(() => rm(databaseDir, { recursive: true, force: true }))
  onEnd(() => server.stop())
  return {
    async createDatabase(name) {
      await server.createDatabase(name)
      return toPatientUrl(urlOf(name))
    },
    stop: () => server.stop(),
    start: () => server.start(),
  }
}
