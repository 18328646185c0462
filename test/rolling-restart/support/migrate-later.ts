import { join } from "node:path"
import { Client } from "pg"
import { migratePostgresLater } from "../../../src/adapters/stores/postgres/fixtures/migrate-later.ts"
import { migrateSqliteLater } from "../../../src/adapters/stores/sqlite/fixtures/migrate-later.ts"

/** Migrates a store as a process of a later version could, while others use it. `store` is a URL or a directory. */
export async function migrateLater(store: string): Promise<void> {
  if (!store.includes("://")) return migrateSqliteLater(join(store, "gateway.db"))
  const client = new Client({ connectionString: store })
  await client.connect()
  try {
    await migratePostgresLater(async (sql) => (await client.query(sql)).rows)
  } finally {
    await client.end()
  }
}
