import { startEmbeddedPostgres } from "../../../src/testing/fixtures/embedded-postgres.ts"

export interface PostgresServer {
  /** Resolves to the URL of a new database. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

/** A server of its own, which is removed when it stops. */
export async function startPostgres(): Promise<PostgresServer> {
  const { server, urlOf } = await startEmbeddedPostgres()
  return {
    async createDatabase(name) {
      await server.createDatabase(name)
      return urlOf(name)
    },
    stop: () => server.stop(),
  }
}
