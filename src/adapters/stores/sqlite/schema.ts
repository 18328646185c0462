import type { Schema } from "../rules/schema-versions.ts"

/** Statements that create the tables and indexes of the first schema. */
const tables: readonly string[] = [
  // `owner` is the process that holds the lease of this epoch. `log_version` is the newest `v` among the events.
  // Before `parked_until`, an open run alone is no work; 0 if the run was not parked.
  // `stored_bytes` is the size of the session's events.
  // The parent is null in sessions without a parent. A session without a root is its own root.
  // `depth` is the number of sessions above it in its tree.
  `CREATE TABLE session (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    takeovers INTEGER NOT NULL DEFAULT 0,
    log_version INTEGER NOT NULL DEFAULT 0,
    active_run TEXT,
    revoked_at INTEGER,
    parked_until INTEGER NOT NULL DEFAULT 0,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    parent_session_id TEXT,
    parent_run_id TEXT,
    parent_tool_call_id TEXT,
    root_id TEXT,
    depth INTEGER NOT NULL DEFAULT 0,
    content_bytes INTEGER NOT NULL DEFAULT 0,
    archived_bytes INTEGER NOT NULL DEFAULT 0,
    external_id TEXT
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX session_idle ON session (last_used_at) WHERE active_run IS NULL",
  "CREATE INDEX session_active ON session (agent, parked_until) WHERE active_run IS NOT NULL",
  "CREATE INDEX session_owner ON session (owner) WHERE owner IS NOT NULL",
  "CREATE INDEX session_principal ON session (tenant, user_id, id)",
  "CREATE INDEX session_created ON session (created_at, id)",
  "CREATE INDEX session_owned ON session (tenant, user_id, created_at, id)",
  "CREATE INDEX session_root ON session (coalesce(root_id, id), created_at, id)",
  `CREATE INDEX session_parent ON session (parent_session_id, created_at, id)
   WHERE parent_session_id IS NOT NULL`,
  // The sessions of all users of a tenant, in the order of the directory.
  "CREATE INDEX session_tenant ON session (tenant, created_at, id)",
  `CREATE UNIQUE INDEX session_external ON session (tenant, user_id, agent, external_id)
   WHERE external_id IS NOT NULL`,
  // A run has the owner of its session, so that an index finds a principal's runs.
  `CREATE TABLE run (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    state TEXT NOT NULL,
    idempotency_key TEXT,
    body_hash TEXT,
    tenant TEXT NOT NULL DEFAULT '',
    user_id TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL DEFAULT 0,
    steerable INTEGER NOT NULL DEFAULT 0,
    end_seq INTEGER,
    UNIQUE (session_id, idempotency_key)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX run_created ON run (created_at, id)",
  "CREATE INDEX run_owned ON run (tenant, user_id, created_at, id)",
  "CREATE INDEX run_session ON run (session_id, created_at, id)",
  // The inbox. A command is deleted when it is consumed, and its id is never used again.
  // A run opens when its message is taken. `due_at` is null for a command that is not work at the moment.
  `CREATE TABLE command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    rank INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    text_id TEXT
  ) STRICT`,
  "CREATE INDEX command_inbox ON command (session_id, type, run_id, rank, not_before, due_at)",
  "CREATE INDEX command_due ON command (due_at, session_id) WHERE due_at IS NOT NULL",
  // Rows are in the order of writes, and not clustered by session, because many sessions append to it at once, many
  // times a second.
  `CREATE TABLE delta (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT`,
  "CREATE UNIQUE INDEX delta_session ON delta (session_id, seq)",
  // The sequence number up to which deltas may be dropped, and since when.
  `CREATE TABLE settled (
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX settled_at ON settled (at)",
  // Sessions that are gone but whose rows are still being deleted, slice by slice.
  "CREATE TABLE removed_session (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
  `CREATE TABLE signing_key (
    generation INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT`,
  // A call may wait more than once, so each wait has a number of its own, which grows.
  `CREATE TABLE wait (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    tool_call_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    wait_id TEXT NOT NULL
  ) STRICT`,
  "CREATE INDEX wait_call ON wait (session_id, tool_call_id)",
  "CREATE INDEX wait_open ON wait (id) WHERE state = 'open'",
  "CREATE INDEX wait_open_session ON wait (session_id) WHERE state = 'open'",
  "CREATE INDEX wait_id ON wait (session_id, wait_id)",
  // `tool_type` is a hash of the tool's name and the qualifier.
  `CREATE TABLE tool_grant (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    tool_type TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (session_id, tool_type)
  ) STRICT`,
  `CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT`,
  "CREATE INDEX audit_session ON audit (session_id)",
  "CREATE TABLE secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
  // This table has an id. Without one, the whole row is the key of its tree, and SQLite reads the whole key to
  // compare it: a few events of 4 MB made each look-up of any session take milliseconds.
  `CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    v INTEGER NOT NULL,
    at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (session_id, seq)
  ) STRICT`,
  "CREATE INDEX entry_step ON entry (session_id, seq) WHERE type = 'stepStarted'",
  "CREATE INDEX entry_history ON entry (session_id, seq) WHERE type = 'historyReplaced'",
  "CREATE INDEX entry_run ON entry (session_id, seq) WHERE type = 'runStarted'",
  "CREATE INDEX entry_compaction ON entry (session_id, seq) WHERE type = 'historyCompacted'",
  `CREATE INDEX entry_task ON entry (session_id, seq)
   WHERE type IN ('taskRegistered', 'taskEnded', 'tasksCollected')`,
  // `due_at` is the time of the next attempt or the end of a claim, and null for a dead row. A number is never used
  // again.
  // `interrupted` is true if an attempt ended without an outcome.
  `CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    died_at INTEGER,
    claim TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    interrupted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session_id, id)
  ) STRICT`,
  "CREATE INDEX outbox_due ON outbox (kind, due_at) WHERE due_at IS NOT NULL",
  "CREATE INDEX outbox_dead ON outbox (died_at) WHERE died_at IS NOT NULL",
  // `seen_at` is the time of the last registration by a process. Since `forgotten_since`, the subscriber has no
  // cursors.
  `CREATE TABLE subscriber (
    name TEXT NOT NULL,
    agent TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    forgotten_since INTEGER,
    PRIMARY KEY (name, agent)
  ) STRICT, WITHOUT ROWID`,
  // `stirred` is true if events were committed since the last claim. `behind_since` is null at the end of the log.
  `CREATE TABLE subscriber_cursor (
    session_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    agent TEXT NOT NULL,
    seq INTEGER NOT NULL,
    due_at INTEGER,
    stirred INTEGER NOT NULL,
    behind_since INTEGER,
    claim TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (session_id, subscriber)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX subscriber_cursor_due ON subscriber_cursor (subscriber, agent, due_at) WHERE due_at IS NOT NULL",
  "CREATE TABLE served_agent (process TEXT NOT NULL, agent TEXT NOT NULL, PRIMARY KEY (process, agent)) STRICT",
  // The idempotency key of a message that joined a run.
  `CREATE TABLE steering_key (
    session_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (session_id, idempotency_key)
  ) STRICT, WITHOUT ROWID`,
  // `wake_at` is the time at which a process must check the schedule. `waiting` contains times as JSON.
  `CREATE TABLE schedule (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    spec TEXT NOT NULL,
    session_id TEXT,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    next_at INTEGER,
    waiting TEXT NOT NULL,
    wake_at INTEGER,
    last_run_id TEXT,
    revision INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent, tenant, user_id, origin, name)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX schedule_wake ON schedule (agent, wake_at) WHERE wake_at IS NOT NULL",
  `CREATE TABLE schedule_occurrence (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    session_id TEXT,
    run_id TEXT
  ) STRICT`,
  "CREATE INDEX schedule_occurrence_of ON schedule_occurrence (schedule_id, number)",
  // A content without a row here is incomplete.
  `CREATE TABLE content (
    session_id TEXT NOT NULL,
    id TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (session_id, id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE content_chunk (
    row INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL,
    content_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (session_id, content_id, number)
  ) STRICT`,
  // `agent` is empty for memories that all agents share. An id is never used again, so a revision is not either.
  // The large columns come last, because SQLite reads a row up to the last requested column.
  `CREATE TABLE memory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    session_id TEXT,
    run_id TEXT,
    bytes INTEGER NOT NULL,
    vector_model TEXT,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    content TEXT NOT NULL,
    vector BLOB,
    UNIQUE (tenant, user_id, agent, entity_type, name)
  ) STRICT`,
  "CREATE INDEX memory_expiring ON memory (expires_at) WHERE expires_at IS NOT NULL",
  // Each write adds up the sizes of a principal's memories.
  "CREATE INDEX memory_bytes ON memory (tenant, user_id, bytes)",
  // The memories of one principal in the order of their ids, which recall reads slice by slice.
  "CREATE INDEX memory_ids ON memory (tenant, user_id, agent, id)",
  // The terms of each memory, by its id. The tokenizer only splits at spaces and punctuation, which terms do not
  // contain.
  `CREATE VIRTUAL TABLE memory_text USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
  )`,
  // A snapshot is a cache of the log. It has one row here for each session, and further rows in `snapshot_row`.
  `CREATE TABLE snapshot (
    session_id TEXT PRIMARY KEY, version INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE snapshot_row (
    row INTEGER PRIMARY KEY, session_id TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (session_id, number)
  ) STRICT`,
  // The compressed bodies of old events. The bodies of their rows are empty.
  `CREATE TABLE archived_body (
    session_id TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (session_id, seq)
  ) STRICT`,
  "CREATE TABLE archive_due (session_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT",
  // Large texts in chunks. Rows of `entry` and `command` refer to them. `since` is 0 if no transaction may use the
  // text any more.
  "CREATE TABLE unused_text (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, since INTEGER NOT NULL) STRICT",
  `CREATE TRIGGER command_text_unused AFTER DELETE ON command WHEN old.text_id IS NOT NULL BEGIN
    INSERT INTO unused_text (id, session_id, since) VALUES (old.text_id, old.session_id, 0);
  END`,
]

/** Each brings the schema to the next version. */
const migrations: readonly (readonly string[])[] = [
  [
    // The tokens of a principal are valid from this time. Without a row, all of them are.
    `CREATE TABLE revocation (
      tenant TEXT NOT NULL, user_id TEXT NOT NULL, valid_after INTEGER NOT NULL, PRIMARY KEY (tenant, user_id)
    ) STRICT, WITHOUT ROWID`,
  ],
  [
    // Null if the session is kept as long as others.
    "ALTER TABLE session ADD COLUMN keep_ms INTEGER",
    "CREATE INDEX session_kept ON session (last_used_at + keep_ms) WHERE keep_ms IS NOT NULL",
  ],
]

/**
 * The schema. `PRAGMA user_version` has its version. Earlier versions were never published. A new table, column or
 * index is a migration at the end of the list.
 */
export const schema: Schema = { firstVersion: 24, oldestVersion: 24, tables, migrations }

/**
 * SQL: the number of the newest stored entry, for the session in the same statement. It is looked up and not kept
 * with the session, so that storing deltas does not change the session's row.
 */
export const lastSeq = `max(
  coalesce((SELECT max(entry.seq) FROM entry WHERE entry.session_id = session.id), 0),
  coalesce((SELECT delta.last_seq FROM delta WHERE delta.session_id = session.id
    ORDER BY delta.seq DESC LIMIT 1), 0))`

/** SQL: the columns of a session's row that `toSession` reads, without `last_seq`. */
export const sessionColumns = `session.id AS session_id, session.tenant, session.user_id, session.agent,
  session.created_at, session.parent_session_id, session.parent_run_id, session.parent_tool_call_id, session.root_id,
  session.depth, session.external_id, session.last_used_at, session.revoked_at, session.stored_bytes`
