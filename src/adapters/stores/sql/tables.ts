/** The parts of the schema that differ between the databases. */
export interface TableDialect {
  /** Prefix of every table. */
  readonly schema: "" | "agent_gateway."
  /** The type of a number of up to 64 bits. */
  readonly int: "integer" | "bigint"
  readonly bytes: "blob" | "bytea"
  readonly flag: { readonly type: "integer" | "boolean"; readonly no: "0" | "false" }
  /** The type of a text that is compared byte by byte. */
  readonly exact: "text" | 'text COLLATE "C"'
  /** A key that grows. */
  readonly rowId: string
  /** A key that grows and is never used again. */
  readonly numbered: string
  /** Options of a table. */
  readonly strict: "" | "STRICT"
  /** Options of a table that is stored in the order of its key. */
  readonly clustered: "" | "STRICT, WITHOUT ROWID"
  /**
   * The key of rows with large or many contents. SQLite stores them in the order of writes. If the whole row were
   * the key of its tree, SQLite would read the whole key to compare it: a few events of 4 MB made each look-up of any
   * session take milliseconds.
   */
  readonly unordered: { readonly id: (column: string) => string; readonly key: "UNIQUE" | "PRIMARY KEY" }
  /** Further columns. */
  readonly extra: { readonly session: string; readonly command: string; readonly memory: string }
}

/**
 * Returns the statements that create the tables and indexes that both databases have. Texts are never `jsonb`, because
 * Postgres refuses U+0000 in it.
 */
export function createTables({
  schema,
  int,
  bytes,
  flag,
  exact,
  rowId,
  numbered,
  strict,
  clustered,
  unordered,
  extra,
}: TableDialect): readonly string[] {
  return [
    // `owner` is the process that holds the lease of this epoch. `log_version` is the newest `v` among the events.
    // Before `parked_until`, an open run alone is no work; 0 if the run was not parked.
    // `stored_bytes` is the size of the session's events. `keep_ms` is null if the session is kept as long as others.
    // The parent is null in sessions without a parent. A session without a root is its own root.
    // `depth` is the number of sessions above it in its tree.
    `CREATE TABLE ${schema}session (
      id text PRIMARY KEY,
      tenant text NOT NULL,
      user_id text NOT NULL,
      agent text NOT NULL,
      created_at ${int} NOT NULL,
      last_used_at ${int} NOT NULL,
      epoch ${int} NOT NULL DEFAULT 0,
      owner text,
      takeovers integer NOT NULL DEFAULT 0,
      log_version integer NOT NULL DEFAULT 0,
      active_run text,
      revoked_at ${int},
      parked_until ${int} NOT NULL DEFAULT 0,${extra.session}
      stored_bytes ${int} NOT NULL DEFAULT 0,
      parent_session_id text,
      parent_run_id text,
      parent_tool_call_id text,
      root_id text,
      depth integer NOT NULL DEFAULT 0,
      content_bytes ${int} NOT NULL DEFAULT 0,
      archived_bytes ${int} NOT NULL DEFAULT 0,
      external_id ${exact},
      keep_ms ${int}
    ) ${clustered}`,
    `CREATE INDEX session_idle ON ${schema}session (last_used_at) WHERE active_run IS NULL`,
    `CREATE INDEX session_active ON ${schema}session (agent, parked_until) WHERE active_run IS NOT NULL`,
    `CREATE INDEX session_owner ON ${schema}session (owner) WHERE owner IS NOT NULL`,
    `CREATE INDEX session_principal ON ${schema}session (tenant, user_id, id)`,
    `CREATE INDEX session_created ON ${schema}session (created_at, id)`,
    `CREATE INDEX session_owned ON ${schema}session (tenant, user_id, created_at, id)`,
    `CREATE INDEX session_root ON ${schema}session (coalesce(root_id, id), created_at, id)`,
    `CREATE INDEX session_parent ON ${schema}session (parent_session_id, created_at, id)
     WHERE parent_session_id IS NOT NULL`,
    // The sessions of all users of a tenant, in the order of the directory.
    `CREATE INDEX session_tenant ON ${schema}session (tenant, created_at, id)`,
    `CREATE UNIQUE INDEX session_external ON ${schema}session (tenant, user_id, agent, external_id)
     WHERE external_id IS NOT NULL`,
    `CREATE INDEX session_kept ON ${schema}session ((last_used_at + keep_ms)) WHERE keep_ms IS NOT NULL`,
    // A run has the owner of its session, so that an index finds a principal's runs.
    `CREATE TABLE ${schema}run (
      id text PRIMARY KEY,
      session_id text NOT NULL,
      cursor ${int} NOT NULL,
      state text NOT NULL,
      idempotency_key text,
      body_hash text,
      tenant text NOT NULL DEFAULT '',
      user_id text NOT NULL DEFAULT '',
      created_at ${int} NOT NULL DEFAULT 0,
      steerable ${flag.type} NOT NULL DEFAULT ${flag.no},
      end_seq ${int},
      UNIQUE (session_id, idempotency_key)
    ) ${clustered}`,
    `CREATE INDEX run_created ON ${schema}run (created_at, id)`,
    `CREATE INDEX run_owned ON ${schema}run (tenant, user_id, created_at, id)`,
    `CREATE INDEX run_session ON ${schema}run (session_id, created_at, id)`,
    // The inbox. A command is deleted when it is consumed, and its id is never used again.
    // A run opens when its message is taken. `due_at` is null for a command that is not work at the moment.
    `CREATE TABLE ${schema}command (
      id ${numbered},
      session_id text NOT NULL,
      run_id text NOT NULL,
      type text NOT NULL,
      body text NOT NULL,
      rank ${int} NOT NULL DEFAULT 0,
      not_before ${int} NOT NULL DEFAULT 0,
      due_at ${int} DEFAULT 0,
      bytes ${int} NOT NULL DEFAULT 0${extra.command}
    ) ${strict}`,
    `CREATE INDEX command_due ON ${schema}command (due_at, session_id) WHERE due_at IS NOT NULL`,
    `CREATE TABLE ${schema}entry (${unordered.id("id")}
      session_id text NOT NULL,
      seq ${int} NOT NULL,
      v integer NOT NULL,
      at ${int} NOT NULL,
      run_id text NOT NULL,
      type text NOT NULL,
      body text NOT NULL,
      ${unordered.key} (session_id, seq)
    ) ${strict}`,
    `CREATE INDEX entry_step ON ${schema}entry (session_id, seq) WHERE type = 'stepStarted'`,
    `CREATE INDEX entry_history ON ${schema}entry (session_id, seq) WHERE type = 'historyReplaced'`,
    `CREATE INDEX entry_run ON ${schema}entry (session_id, seq) WHERE type = 'runStarted'`,
    `CREATE INDEX entry_compaction ON ${schema}entry (session_id, seq) WHERE type = 'historyCompacted'`,
    `CREATE INDEX entry_task ON ${schema}entry (session_id, seq)
     WHERE type IN ('taskRegistered', 'taskEnded', 'tasksCollected')`,
    `CREATE TABLE ${schema}delta (${unordered.id("id")}
      session_id text NOT NULL,
      seq ${int} NOT NULL,
      last_seq ${int} NOT NULL,
      run_id text NOT NULL,
      body text NOT NULL,
      ${unordered.key} (session_id, seq)
    ) ${strict}`,
    // The sequence number up to which deltas may be dropped, and since when.
    `CREATE TABLE ${schema}settled (
      session_id text NOT NULL,
      seq ${int} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (session_id, seq)
    ) ${clustered}`,
    `CREATE INDEX settled_at ON ${schema}settled (at)`,
    `CREATE TABLE ${schema}signing_key (
      generation integer PRIMARY KEY,
      id text NOT NULL UNIQUE,
      secret ${bytes} NOT NULL,
      created_at ${int} NOT NULL
    ) ${strict}`,
    // The tokens of a principal are valid from this time. Without a row, all of them are.
    `CREATE TABLE ${schema}revocation (
      tenant text NOT NULL,
      user_id text NOT NULL,
      valid_after ${int} NOT NULL,
      PRIMARY KEY (tenant, user_id)
    ) ${clustered}`,
    // A call may wait more than once, so each wait has a number of its own, which grows.
    `CREATE TABLE ${schema}wait (
      id ${rowId},
      session_id text NOT NULL,
      run_id text NOT NULL,
      tool_call_id text NOT NULL,
      kind text NOT NULL,
      state text NOT NULL,
      expires_at ${int} NOT NULL,
      body text NOT NULL,
      wait_id text NOT NULL
    ) ${strict}`,
    `CREATE INDEX wait_call ON ${schema}wait (session_id, tool_call_id)`,
    `CREATE INDEX wait_open ON ${schema}wait (id) WHERE state = 'open'`,
    `CREATE INDEX wait_open_session ON ${schema}wait (session_id) WHERE state = 'open'`,
    `CREATE INDEX wait_id ON ${schema}wait (session_id, wait_id)`,
    // `tool_type` is a hash of the tool's name and the qualifier.
    `CREATE TABLE ${schema}tool_grant (
      id ${rowId},
      session_id text NOT NULL,
      tool_type text NOT NULL,
      body text NOT NULL,
      UNIQUE (session_id, tool_type)
    ) ${strict}`,
    `CREATE TABLE ${schema}audit (id ${rowId}, session_id text NOT NULL, body text NOT NULL) ${strict}`,
    `CREATE INDEX audit_session ON ${schema}audit (session_id)`,
    `CREATE TABLE ${schema}secret (name text PRIMARY KEY, value text NOT NULL) ${strict}`,
    // `due_at` is the time of the next attempt or the end of a claim, and null for a dead row. A number is never used
    // again.
    // `interrupted` is true if an attempt ended without an outcome.
    `CREATE TABLE ${schema}outbox (
      number ${numbered},
      session_id text NOT NULL,
      id text NOT NULL,
      kind text NOT NULL,
      payload text NOT NULL,
      bytes integer NOT NULL,
      created_at ${int} NOT NULL,
      due_at ${int},
      died_at ${int},
      claim text,
      attempts integer NOT NULL DEFAULT 0,
      last_error text,
      interrupted ${flag.type} NOT NULL DEFAULT ${flag.no},
      UNIQUE (session_id, id)
    ) ${strict}`,
    `CREATE INDEX outbox_due ON ${schema}outbox (kind, due_at) WHERE due_at IS NOT NULL`,
    `CREATE INDEX outbox_dead ON ${schema}outbox (died_at) WHERE died_at IS NOT NULL`,
    // `seen_at` is the time of the last registration by a process. Since `forgotten_since`, the subscriber has no
    // cursors.
    `CREATE TABLE ${schema}subscriber (
      name text NOT NULL,
      agent text NOT NULL,
      seen_at ${int} NOT NULL,
      forgotten_since ${int},
      PRIMARY KEY (name, agent)
    ) ${clustered}`,
    // `stirred` is true if events were committed since the last claim. `behind_since` is null at the end of the log.
    `CREATE TABLE ${schema}subscriber_cursor (
      session_id text NOT NULL,
      subscriber text NOT NULL,
      agent text NOT NULL,
      seq ${int} NOT NULL,
      due_at ${int},
      stirred ${flag.type} NOT NULL,
      behind_since ${int},
      claim text,
      attempts integer NOT NULL DEFAULT 0,
      last_error text,
      PRIMARY KEY (session_id, subscriber)
    ) ${clustered}`,
    `CREATE INDEX subscriber_cursor_due ON ${schema}subscriber_cursor (subscriber, agent, due_at)
     WHERE due_at IS NOT NULL`,
    `CREATE TABLE ${schema}served_agent (
      process text NOT NULL, agent text NOT NULL, PRIMARY KEY (process, agent)
    ) ${strict}`,
    // The idempotency key of a message that joined a run.
    `CREATE TABLE ${schema}steering_key (
      session_id text NOT NULL,
      idempotency_key text NOT NULL,
      body_hash text NOT NULL,
      run_id text NOT NULL,
      PRIMARY KEY (session_id, idempotency_key)
    ) ${clustered}`,
    // `wake_at` is the time at which a process must check the schedule. `waiting` contains times as JSON.
    `CREATE TABLE ${schema}schedule (
      id text PRIMARY KEY,
      agent text NOT NULL,
      tenant text NOT NULL,
      user_id text NOT NULL,
      name text NOT NULL,
      origin text NOT NULL,
      spec text NOT NULL,
      session_id text,
      created_at ${int} NOT NULL,
      state text NOT NULL,
      reason text,
      next_at ${int},
      waiting text NOT NULL,
      wake_at ${int},
      last_run_id text,
      revision ${int} NOT NULL DEFAULT 0,
      UNIQUE (agent, tenant, user_id, origin, name)
    ) ${clustered}`,
    `CREATE INDEX schedule_wake ON ${schema}schedule (agent, wake_at) WHERE wake_at IS NOT NULL`,
    `CREATE TABLE ${schema}schedule_occurrence (
      number ${numbered},
      schedule_id text NOT NULL,
      at ${int} NOT NULL,
      decided_at ${int} NOT NULL,
      cause text NOT NULL,
      outcome text NOT NULL,
      reason text,
      session_id text,
      run_id text
    ) ${strict}`,
    `CREATE INDEX schedule_occurrence_of ON ${schema}schedule_occurrence (schedule_id, number)`,
    // A content without a row here is incomplete.
    `CREATE TABLE ${schema}content (
      session_id text NOT NULL, id text NOT NULL, bytes ${int} NOT NULL, PRIMARY KEY (session_id, id)
    ) ${clustered}`,
    `CREATE TABLE ${schema}content_chunk (${unordered.id("row")}
      session_id text NOT NULL,
      content_id text NOT NULL,
      number integer NOT NULL,
      body ${bytes} NOT NULL,
      ${unordered.key} (session_id, content_id, number)
    ) ${strict}`,
    // `agent` is empty for memories that all agents share. An id is never used again, so a revision is not either.
    // The large columns come last, because SQLite reads a row up to the last requested column.
    `CREATE TABLE ${schema}memory (
      id ${numbered},
      tenant ${exact} NOT NULL,
      user_id ${exact} NOT NULL,
      agent ${exact} NOT NULL,
      entity_type ${exact} NOT NULL,
      name ${exact} NOT NULL,
      tags text NOT NULL,
      session_id text,
      run_id text,
      bytes integer NOT NULL,
      vector_model text,
      revision ${int} NOT NULL,
      created_at ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      expires_at ${int},
      content text NOT NULL,
      vector ${bytes},${extra.memory}
      UNIQUE (tenant, user_id, agent, entity_type, name)
    ) ${strict}`,
    `CREATE INDEX memory_expiring ON ${schema}memory (expires_at) WHERE expires_at IS NOT NULL`,
    // Each write adds up the sizes of a principal's memories.
    `CREATE INDEX memory_bytes ON ${schema}memory (tenant, user_id, bytes)`,
    // The memories of one principal in the order of their ids, which recall reads slice by slice.
    `CREATE INDEX memory_ids ON ${schema}memory (tenant, user_id, agent, id)`,
    // A snapshot is a cache of the log. It has one row here for each session, and further rows in `snapshot_row`.
    `CREATE TABLE ${schema}snapshot (
      session_id text PRIMARY KEY, version integer NOT NULL, seq ${int} NOT NULL, body ${bytes} NOT NULL
    ) ${strict}`,
    `CREATE TABLE ${schema}snapshot_row (${unordered.id("row")}
      session_id text NOT NULL, number integer NOT NULL, body ${bytes} NOT NULL,
      ${unordered.key} (session_id, number)
    ) ${strict}`,
    // The compressed bodies of old events. The bodies of their rows are empty.
    `CREATE TABLE ${schema}archived_body (
      session_id text NOT NULL, seq ${int} NOT NULL, body ${bytes} NOT NULL, PRIMARY KEY (session_id, seq)
    ) ${strict}`,
    `CREATE TABLE ${schema}archive_due (session_id text PRIMARY KEY, seq ${int} NOT NULL) ${strict}`,
  ]
}

/** Returns the migrations that both databases share: the statements of each one. */
export function createMigrations({
  schema,
  int,
  bytes,
  numbered,
  strict,
}: TableDialect): readonly (readonly string[])[] {
  return [
    [
      // `series` is the number of the first request of a series, and null for the first one. The large columns come
      // last, because SQLite reads a row up to the last requested column.
      `CREATE TABLE ${schema}kept_request (
        number ${numbered},
        session_id text NOT NULL,
        series ${int},
        id text NOT NULL,
        at ${int} NOT NULL,
        bytes ${int} NOT NULL,
        facts ${bytes} NOT NULL,
        parts ${bytes} NOT NULL
      ) ${strict}`,
      `CREATE INDEX kept_request_session ON ${schema}kept_request (session_id, number, bytes)`,
    ],
  ]
}

/** SQL: the columns of a session's row that `toSession` reads, without `last_seq`. */
export const sessionColumns = `session.id AS session_id, session.tenant, session.user_id, session.agent,
  session.created_at, session.last_used_at, session.revoked_at, session.stored_bytes, session.parent_session_id,
  session.parent_run_id, session.parent_tool_call_id, session.root_id, session.depth, session.external_id`
