import type { Schema } from "../rules/schema-versions.ts"

/**
 * Statements that create the tables and indexes of the first schema. Texts are never `jsonb`, because it refuses
 * U+0000.
 */
const tables: readonly string[] = [
  // `beat_at` is the time of the last heartbeat. `steady_since` is the first heartbeat of a series without a gap.
  // `reads_version` is the newest log version that the process reads.
  `CREATE TABLE agent_gateway.process (
    id text PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    steady_since timestamptz NOT NULL DEFAULT clock_timestamp(),
    reads_version integer NOT NULL
  )`,
  // Before `parked_until`, an open run alone is no work; 0 if the run was not parked.
  // `counted_owner` is the last process whose death is counted in `takeovers`.
  // `stored_bytes` is the size of the session's events.
  // The parent is null in sessions without a parent. A session without a root is its own root.
  // `depth` is the number of sessions above it in its tree.
  `CREATE TABLE agent_gateway.session (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    user_id text NOT NULL,
    agent text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    owner text,
    takeovers integer NOT NULL DEFAULT 0,
    log_version integer NOT NULL DEFAULT 0,
    active_run text,
    revoked_at bigint,
    parked_until bigint NOT NULL DEFAULT 0,
    counted_owner text,
    stored_bytes bigint NOT NULL DEFAULT 0,
    parent_session_id text,
    parent_run_id text,
    parent_tool_call_id text,
    root_id text,
    depth integer NOT NULL DEFAULT 0,
    content_bytes bigint NOT NULL DEFAULT 0,
    archived_bytes bigint NOT NULL DEFAULT 0,
    external_id text COLLATE "C"
  )`,
  "CREATE INDEX session_idle ON agent_gateway.session (last_used_at) WHERE active_run IS NULL",
  "CREATE INDEX session_active ON agent_gateway.session (agent, parked_until) WHERE active_run IS NOT NULL",
  "CREATE INDEX session_owner ON agent_gateway.session (owner) WHERE owner IS NOT NULL",
  "CREATE INDEX session_counted_owner ON agent_gateway.session (counted_owner) WHERE counted_owner IS NOT NULL",
  "CREATE INDEX session_principal ON agent_gateway.session (tenant, user_id)",
  "CREATE INDEX session_created ON agent_gateway.session (created_at, id)",
  "CREATE INDEX session_owned ON agent_gateway.session (tenant, user_id, created_at, id)",
  "CREATE INDEX session_root ON agent_gateway.session (coalesce(root_id, id), created_at, id)",
  `CREATE INDEX session_parent ON agent_gateway.session (parent_session_id, created_at, id)
   WHERE parent_session_id IS NOT NULL`,
  // The sessions of all users of a tenant, in the order of the directory.
  "CREATE INDEX session_tenant ON agent_gateway.session (tenant, created_at, id)",
  `CREATE UNIQUE INDEX session_external ON agent_gateway.session (tenant, user_id, agent, external_id)
   WHERE external_id IS NOT NULL`,
  // A run has the owner of its session, so that an index finds a principal's runs.
  `CREATE TABLE agent_gateway.run (
    id text PRIMARY KEY,
    session_id text NOT NULL,
    cursor bigint NOT NULL,
    state text NOT NULL,
    idempotency_key text,
    body_hash text,
    tenant text NOT NULL DEFAULT '',
    user_id text NOT NULL DEFAULT '',
    created_at bigint NOT NULL DEFAULT 0,
    steerable boolean NOT NULL DEFAULT false,
    end_seq bigint,
    UNIQUE (session_id, idempotency_key)
  )`,
  "CREATE INDEX run_created ON agent_gateway.run (created_at, id)",
  "CREATE INDEX run_owned ON agent_gateway.run (tenant, user_id, created_at, id)",
  "CREATE INDEX run_session ON agent_gateway.run (session_id, created_at, id)",
  // A run opens when its message is taken. `due_at` is null for a command that is not work at the moment.
  `CREATE TABLE agent_gateway.command (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    run_id text NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    rank bigint NOT NULL DEFAULT 0,
    not_before bigint NOT NULL DEFAULT 0,
    due_at bigint DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0
  )`,
  "CREATE INDEX command_session ON agent_gateway.command (session_id)",
  "CREATE INDEX command_due ON agent_gateway.command (due_at, session_id) WHERE due_at IS NOT NULL",
  `CREATE TABLE agent_gateway.entry (
    session_id text NOT NULL,
    seq bigint NOT NULL,
    v integer NOT NULL,
    at bigint NOT NULL,
    run_id text NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (session_id, seq)
  )`,
  "CREATE INDEX entry_step ON agent_gateway.entry (session_id, seq) WHERE type = 'stepStarted'",
  "CREATE INDEX entry_history ON agent_gateway.entry (session_id, seq) WHERE type = 'historyReplaced'",
  "CREATE INDEX entry_run ON agent_gateway.entry (session_id, seq) WHERE type = 'runStarted'",
  "CREATE INDEX entry_compaction ON agent_gateway.entry (session_id, seq) WHERE type = 'historyCompacted'",
  `CREATE INDEX entry_task ON agent_gateway.entry (session_id, seq)
   WHERE type IN ('taskRegistered', 'taskEnded', 'tasksCollected')`,
  `CREATE TABLE agent_gateway.delta (
    session_id text NOT NULL,
    seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    run_id text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (session_id, seq)
  )`,
  `CREATE TABLE agent_gateway.settled (
    session_id text NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (session_id, seq)
  )`,
  "CREATE INDEX settled_at ON agent_gateway.settled (at)",
  `CREATE TABLE agent_gateway.signing_key (
    generation integer PRIMARY KEY,
    id text NOT NULL UNIQUE,
    secret bytea NOT NULL,
    created_at bigint NOT NULL
  )`,
  // A call may wait more than once, so each wait has a number of its own, which grows.
  `CREATE TABLE agent_gateway.wait (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    run_id text NOT NULL,
    tool_call_id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    expires_at bigint NOT NULL,
    body text NOT NULL,
    wait_id text NOT NULL
  )`,
  "CREATE INDEX wait_call ON agent_gateway.wait (session_id, tool_call_id)",
  "CREATE INDEX wait_open ON agent_gateway.wait (id) WHERE state = 'open'",
  "CREATE INDEX wait_open_session ON agent_gateway.wait (session_id) WHERE state = 'open'",
  "CREATE INDEX wait_id ON agent_gateway.wait (session_id, wait_id)",
  // `tool_type` is a hash of the tool's name and the qualifier.
  `CREATE TABLE agent_gateway.tool_grant (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    tool_type text NOT NULL,
    body text NOT NULL,
    UNIQUE (session_id, tool_type)
  )`,
  `CREATE TABLE agent_gateway.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    body text NOT NULL
  )`,
  "CREATE INDEX audit_session ON agent_gateway.audit (session_id)",
  "CREATE TABLE agent_gateway.secret (name text PRIMARY KEY, value text NOT NULL)",
  // `due_at` is the time of the next attempt or the end of a claim, and null for a dead row.
  // `interrupted` is true if an attempt ended without an outcome.
  `CREATE TABLE agent_gateway.outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    payload text NOT NULL,
    bytes integer NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint,
    died_at bigint,
    claim text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    interrupted boolean NOT NULL DEFAULT false,
    UNIQUE (session_id, id)
  )`,
  "CREATE INDEX outbox_due ON agent_gateway.outbox (kind, due_at) WHERE due_at IS NOT NULL",
  "CREATE INDEX outbox_dead ON agent_gateway.outbox (died_at) WHERE died_at IS NOT NULL",
  // `seen_at` is the time of the last registration by a process. Since `forgotten_since`, the subscriber has no
  // cursors.
  `CREATE TABLE agent_gateway.subscriber (
    name text NOT NULL,
    agent text NOT NULL,
    seen_at bigint NOT NULL,
    forgotten_since bigint,
    PRIMARY KEY (name, agent)
  )`,
  // `stirred` is true if events were committed since the last claim. `behind_since` is null at the end of the log.
  `CREATE TABLE agent_gateway.subscriber_cursor (
    session_id text NOT NULL,
    subscriber text NOT NULL,
    agent text NOT NULL,
    seq bigint NOT NULL,
    due_at bigint,
    stirred boolean NOT NULL,
    behind_since bigint,
    claim text,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (session_id, subscriber)
  )`,
  `CREATE INDEX subscriber_cursor_due ON agent_gateway.subscriber_cursor (subscriber, agent, due_at)
     WHERE due_at IS NOT NULL`,
  "CREATE TABLE agent_gateway.served_agent (process text NOT NULL, agent text NOT NULL, PRIMARY KEY (process, agent))",
  // The idempotency key of a message that joined a run.
  `CREATE TABLE agent_gateway.steering_key (
    session_id text NOT NULL,
    idempotency_key text NOT NULL,
    body_hash text NOT NULL,
    run_id text NOT NULL,
    PRIMARY KEY (session_id, idempotency_key)
  )`,
  // `wake_at` is the time at which a process must check the schedule. `waiting` contains times as JSON.
  `CREATE TABLE agent_gateway.schedule (
    id text PRIMARY KEY,
    agent text NOT NULL,
    tenant text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    origin text NOT NULL,
    spec text NOT NULL,
    session_id text,
    created_at bigint NOT NULL,
    state text NOT NULL,
    reason text,
    next_at bigint,
    waiting text NOT NULL,
    wake_at bigint,
    last_run_id text,
    revision bigint NOT NULL DEFAULT 0,
    UNIQUE (agent, tenant, user_id, origin, name)
  )`,
  "CREATE INDEX schedule_wake ON agent_gateway.schedule (agent, wake_at) WHERE wake_at IS NOT NULL",
  `CREATE TABLE agent_gateway.schedule_occurrence (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id text NOT NULL,
    at bigint NOT NULL,
    decided_at bigint NOT NULL,
    cause text NOT NULL,
    outcome text NOT NULL,
    reason text,
    session_id text,
    run_id text
  )`,
  "CREATE INDEX schedule_occurrence_of ON agent_gateway.schedule_occurrence (schedule_id, number)",
  // A content without a row here is incomplete.
  `CREATE TABLE agent_gateway.content (
    session_id text NOT NULL,
    id text NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (session_id, id)
  )`,
  `CREATE TABLE agent_gateway.content_chunk (
    session_id text NOT NULL,
    content_id text NOT NULL,
    number integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session_id, content_id, number)
  )`,
  // `agent` is empty for memories that all agents share. An id is never used again, so a revision is not either.
  `CREATE TABLE agent_gateway.memory (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    entity_type text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    content text NOT NULL,
    tags text NOT NULL,
    session_id text,
    run_id text,
    bytes integer NOT NULL,
    vector_model text,
    vector bytea,
    words tsvector NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint,
    UNIQUE (tenant, user_id, agent, entity_type, name)
  )`,
  "CREATE INDEX memory_expiring ON agent_gateway.memory (expires_at) WHERE expires_at IS NOT NULL",
  // Each write adds up the sizes of a principal's memories.
  "CREATE INDEX memory_bytes ON agent_gateway.memory (tenant, user_id, bytes)",
  // The memories of one principal in the order of their ids, which recall reads slice by slice.
  "CREATE INDEX memory_ids ON agent_gateway.memory (tenant, user_id, agent, id)",
  // A snapshot is a cache of the log. It has one row here for each session, and further rows in `snapshot_row`.
  `CREATE TABLE agent_gateway.snapshot (
    session_id text PRIMARY KEY, version integer NOT NULL, seq bigint NOT NULL, body bytea NOT NULL
  )`,
  `CREATE TABLE agent_gateway.snapshot_row (
    session_id text NOT NULL, number integer NOT NULL, body bytea NOT NULL, PRIMARY KEY (session_id, number)
  )`,
  // The compressed bodies of old events. The bodies of their rows are empty.
  `CREATE TABLE agent_gateway.archived_body (
    session_id text NOT NULL, seq bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (session_id, seq)
  )`,
  "CREATE TABLE agent_gateway.archive_due (session_id text PRIMARY KEY, seq bigint NOT NULL)",
]

/** Each brings the schema to the next version. */
const migrations: readonly (readonly string[])[] = [
  [
    // The tokens of a principal are valid from this time. Without a row, all of them are.
    `CREATE TABLE agent_gateway.revocation (
      tenant text NOT NULL, user_id text NOT NULL, valid_after bigint NOT NULL, PRIMARY KEY (tenant, user_id)
    )`,
  ],
  [
    // Null if the session is kept as long as others.
    "ALTER TABLE agent_gateway.session ADD COLUMN keep_ms bigint",
    "CREATE INDEX session_kept ON agent_gateway.session ((last_used_at + keep_ms)) WHERE keep_ms IS NOT NULL",
  ],
]

/**
 * The schema. The table `migration` has its version. Earlier versions were never published. A new table, column or
 * index is a migration at the end of the list.
 */
export const schema: Schema = { firstVersion: 22, oldestVersion: 22, tables, migrations }

/**
 * SQL: the number of the newest stored entry, for the session in the same statement. Storing deltas therefore does
 * not change the session's row.
 */
export const lastSeq = `greatest(
  (SELECT max(entry.seq) FROM agent_gateway.entry WHERE entry.session_id = session.id),
  (SELECT delta.last_seq FROM agent_gateway.delta WHERE delta.session_id = session.id
   ORDER BY delta.seq DESC LIMIT 1), 0)`

/** SQL: the columns of a session's row that `toSession` reads. */
export const sessionColumns = `session.id AS session_id, session.tenant, session.user_id, session.agent,
  session.created_at, session.last_used_at, session.revoked_at, session.stored_bytes, session.parent_session_id,
  session.parent_run_id, session.parent_tool_call_id, session.root_id, session.depth, session.external_id`

/** SQL: the time of the server's clock, in milliseconds since the Unix epoch. */
export const nowMs = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
