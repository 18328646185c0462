import type { Schema } from "../rules/schema-versions.ts"
import { createMigrations, createTables, type TableDialect } from "../sql/tables.ts"

const dialect: TableDialect = {
  schema: "agent_gateway.",
  int: "bigint",
  bytes: "bytea",
  flag: { type: "boolean", no: "false" },
  exact: 'text COLLATE "C"',
  rowId: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  numbered: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  strict: "",
  clustered: "",
  unordered: { id: () => "", key: "PRIMARY KEY" },
  // `counted_owner` is the last process whose death is counted in `takeovers`.
  extra: { session: "counted_owner text,", command: "", memory: "words tsvector NOT NULL," },
}

/** Statements that create the tables and indexes of this database alone. */
const own: readonly string[] = [
  // `beat_at` is the time of the last heartbeat. `steady_since` is the first heartbeat of a series without a gap.
  // `reads_version` is the newest log version that the process reads.
  `CREATE TABLE agent_gateway.process (
    id text PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    steady_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    reads_version integer NOT NULL
  )`,
  "CREATE INDEX session_counted_owner ON agent_gateway.session (counted_owner) WHERE counted_owner IS NOT NULL",
  "CREATE INDEX command_session ON agent_gateway.command (session_id)",
]

/**
 * The schema. The table `migration` has its version. Earlier versions were never published. A new table, column or
 * index is a migration, each of which brings the schema to the next version.
 */
export const schema: Schema = {
  firstVersion: 24,
  oldestVersion: 24,
  tables: [...createTables(dialect), ...own],
  migrations: createMigrations(dialect),
}

/**
 * SQL: the number of the newest stored entry, for the session in the same statement. Storing deltas therefore does
 * not change the session's row.
 */
export const lastSeq = `greatest(
  (SELECT max(entry.seq) FROM agent_gateway.entry WHERE entry.session_id = session.id),
  (SELECT delta.last_seq FROM agent_gateway.delta WHERE delta.session_id = session.id
   ORDER BY delta.seq DESC LIMIT 1), 0)`

/** SQL: the time of the server's clock, in milliseconds since the Unix epoch. */
export const nowMs = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
