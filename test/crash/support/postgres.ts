import { startEmbeddedPostgres, toPatientUrl } from "../../../src/testing/fixtures/embedded-postgres.ts"

export interface PostgresServer {
  /** Creates a database and resolves to its URL. */
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

/** Starts a separate server, which is removed when it stops. */
export async function startPostgres(): Promise<PostgresServer> {
  const { server, urlOf } = await startEmbeddedPostgres()
  return {
    async createDatabase(name) {
      await server.createDatabase(name)
      return toPatientUrl(urlOf(name))
    },
    stop: () => server.stop(),
  }
}
