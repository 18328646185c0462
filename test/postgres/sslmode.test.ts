import { chmod, chown, copyFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { openPostgresStore } from "../../src/adapters/stores/postgres/open.ts"
import { silentLogger } from "../../src/kernel/sessions/fixtures/test-gateway.ts"
import { type StartedPostgres, startEmbeddedPostgres } from "../../src/testing/fixtures/embedded-postgres.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"

const onEnd = atEndOfFile()
let postgres: StartedPostgres

beforeAll(async () => {
  postgres = await startEmbeddedPostgres()
  onEnd(() => postgres.server.stop())
})

/** Lets the server accept encrypted connections, with a certificate that no authority has signed. */
async function encrypt({ server, databaseDir }: StartedPostgres): Promise<void> {
  const { uid, gid } = await stat(databaseDir)
  for (const name of ["server.key", "server.crt"]) {
    const file = join(databaseDir, name)
    // It contains the key and its certificate.
    await copyFile(new URL("fixtures/self-signed.pem", import.meta.url), file)
    await chmod(file, 0o600)
    await chown(file, uid, gid)
  }
  const client = server.getPgClient()
  await client.connect()
  for (const sql of ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"]) await client.query(sql)
  await client.end()
}

/** Opens the store, and returns the number of its encrypted connections. */
async function countEncrypted(mode: string): Promise<number> {
  const store = await openPostgresStore({
    url: `${postgres.urlOf("postgres")}?sslmode=${mode}`,
    logger: silentLogger,
  })
  try {
    const client = postgres.server.getPgClient()
    await client.connect()
    const { rows } = await client.query(
      `SELECT count(*) FILTER (WHERE ssl)::int AS count FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
       WHERE application_name LIKE 'ai-agent-gateway%'`,
    )
    await client.end()
    return rows[0].count
  } finally {
    await store.close()
  }
}

test("sslmode means what it means for psql: require encrypts, and verify-full checks the certificate", async () => {
  await encrypt(postgres)
  expect(await countEncrypted("require")).toBeGreaterThanOrEqual(2)
  expect(await countEncrypted("disable")).toBe(0)
  await expect(countEncrypted("verify-full")).rejects.toThrow(/cannot be opened: self.signed certificate/)
})
