import { StoreUnavailableError } from "../../../../core/errors.ts"
import type {
  NewSession,
  OpenedSession,
  Run,
  Session,
  SessionLog,
} from "../../../../core/ports/store/session-log.ts"
import type { Alarm } from "../../bell.ts"
import { escapeText, readInteger, readText } from "../../rows/columns.ts"
import { makeLargeContents } from "../../rows/large/large-contents.ts"
import { toRun, toSession } from "../../rows/session-rows.ts"
import { collectStirred } from "../../rows/subscription-rows.ts"
import { refuseNewer, type Versions } from "../../rules/versions.ts"
import { listAnswered } from "../../rules/wait-answers.ts"
import type { WatchHub } from "../../watch-hub.ts"
import { createCommitOrder } from "../database/commit-order.ts"
import type { Database, Query } from "../database/database.ts"
import type { DiskSpace } from "../database/disk-space.ts"
import { findQueued, listInboxMessages, putAndClaim, readPending } from "../inbox/inbox.ts"
import type { HeartbeatTimes } from "../leases/heartbeat.ts"
import { claim, claimRunnable, readHeld, release } from "../leases/leases.ts"
import type { Membership } from "../leases/membership.ts"
import { lastSeq, nowMs, sessionColumns } from "../schema.ts"
import { putInTree, revokeInTree } from "../tree.ts"
import { putAnswers } from "../waits/answer.ts"
import { commit } from "./commit.ts"
import { pruneDeltas, pruneOutbox, pruneProcesses, pruneSessions, pruneSubscribers } from "./prune.ts"
import {
  findCompactionStart,
  findHistoryStart,
  findStepStart,
  findTaskStart,
  readEntries,
  readStoredBytes,
  runStart,
} from "./reading.ts"

export interface SessionLogParts {
  readonly database: Database
  /** The same database, over connections for commits only. */
  readonly commits: Database
  readonly space: DiskSpace
  readonly membership: Membership
  readonly times: HeartbeatTimes
  readonly versions: Versions
  readonly hub: WatchHub
  /** Rung when rows may have been stored for the outbox or for subscribers. */
  readonly alarms: { readonly outbox: Alarm; readonly subscriptions: Alarm }
}

/** Creates the port over a database whose schema is up to date. */
export function createSessionLog(parts: SessionLogParts): SessionLog {
  const { database, commits, space, membership, times, versions, hub, alarms } = parts
  const { query } = database
  const { id: owner, liveness } = membership
  const claimer = { owner, times }
  const { reads } = versions
  const inOrder = createCommitOrder()
  return {
    liveness,
    writableVersion: () => versions.writes(),
    now: () => now(query),
    async createSession(session) {
      await createSession(query, session)
    },
    openSession: (session, externalId) => openSession(query, session, externalId),
    async findSession(principal, agent, externalId) {
      const id = await findExternalId(query, { ...principal, agent }, externalId)
      return id === null ? null : findSession(query, id, versions)
    },
    session: (sessionId) => findSession(query, sessionId, versions),
    inboxMessages: (sessionId) => listInboxMessages(query, sessionId),
    queuedRuns: (sessionId) => findQueued(query, sessionId),
    run: (sessionId, runId) => findRun(query, sessionId, runId),
    async revokeSession(sessionId, at, { keepMs = null } = {}) {
      const revocation = { sessionId, at, keepMs }
      const isDue = await database.transaction((query) => revokeInTree(query, revocation, versions))
      if (isDue === true) hub.arrived(sessionId)
      return isDue !== null
    },
    async put(command, limits) {
      if (command.type === "message") space.requireSpace()
      const texts = await makeLargeContents(command)
      const { outcome, isDue } = await database.transaction((query) =>
        putInTree(query, command, { versions, limits, texts }),
      )
      if (isDue || outcome.status === "steered") hub.arrived(command.sessionId)
      return outcome
    },
    async putAndClaim(message, agents, limits) {
      space.requireSpace()
      const options = { owner, versions, limits }
      const { isDue, ...put } = await putAndClaim(database, message, agents, options)
      const isWork = isDue || put.outcome.status === "steered"
      if (put.lease === null && isWork) hub.arrived(message.sessionId)
      return put
    },
    async answerAll(commands) {
      const outcomes = await putAnswers(database, commands, versions)
      for (const sessionId of listAnswered(commands, outcomes)) hub.arrived(sessionId)
      return outcomes
    },
    claim: (sessionId, agents) => claim(query, sessionId, { agents, reads }, claimer),
    claimRunnable: (agents, limit, shares) =>
      claimRunnable(query, { agents, reads }, claimer, { limit, shares }),
    held: () => readHeld(query, owner),
    pending: (lease, options) => readPending(query, lease, { ...options, owner }),
    release: (lease, options) => release(database, lease, { ...options, owner }),
    async commit(batches) {
      const outcomes = await inOrder(batches, () => commit(commits, batches, owner))
      if (batches.some(({ outbox = [] }) => outbox.length > 0)) alarms.outbox.ring()
      if (collectStirred(batches).size > 0) alarms.subscriptions.ring()
      for (const [index, { lease, entries }] of batches.entries()) {
        const last = entries.at(-1)
        if (outcomes[index] === "ok" && last !== undefined) hub.changed(lease.sessionId, last.seq)
      }
      return outcomes
    },
    read: (sessionId, options) => readEntries(query, sessionId, { ...options, reads }),
    stepStart: (sessionId, seq) => findStepStart(query, sessionId, seq),
    runStart: (sessionId, seq) => runStart(query, sessionId, seq),
    historyStart: (sessionId) => findHistoryStart(query, sessionId),
    compactionStart: (sessionId) => findCompactionStart(query, sessionId),
    taskStart: (sessionId, newest) => findTaskStart(query, sessionId, newest),
    storedBytes: (principal) => readStoredBytes(query, principal),
    watch: (sessionId, { signal }) => hub.watch(sessionId, signal),
    arrivals: ({ signal }) => hub.arrivals(signal),
    async prune(limits) {
      await pruneDeltas(query, limits.deltasSettledBefore)
      await pruneSubscribers(query, limits)
      await pruneSessions(query, limits)
      await pruneOutbox(query, limits)
      await pruneProcesses(query)
    },
    async ping() {
      space.requireSpace()
      await query("SELECT FROM agent_gateway.session LIMIT 1")
    },
  }
}

async function now(query: Query): Promise<number> {
  const [row] = await query(`SELECT ${nowMs} AS now`)
  return readInteger(row ?? {}, "now")
}

/** Creates a session under an external id, or returns the one that has it. */
async function openSession(query: Query, session: NewSession, externalId: string): Promise<OpenedSession> {
  for (let attempt = 1; attempt <= maxOpenings; attempt++) {
    const known = await findExternalId(query, session, externalId)
    if (known !== null) return { sessionId: known, isNew: false }
    // If another process creates it at the same moment, this waits for its commit, and the next read finds it.
    if (await createSession(query, session, externalId)) return { sessionId: session.id, isNew: true }
  }
  throw new StoreUnavailableError({
    detail: "Sessions with one external id are created and removed all the time.",
  })
}

/** Resolves to the id of the session with an external id. */
async function findExternalId(
  query: Query,
  { tenant, userId, agent }: Pick<NewSession, "tenant" | "userId" | "agent">,
  externalId: string,
): Promise<string | null> {
  const [row] = await query(
    `SELECT id FROM agent_gateway.session
     WHERE tenant = $1 AND user_id = $2 AND agent = $3 AND external_id = $4`,
    [tenant, userId, agent, externalId].map(escapeText),
  )
  return row === undefined ? null : readText(row, "id")
}

/** Another attempt is only necessary if the session was created and removed in between. */
const maxOpenings = 5

/** Creates a session. Returns false if a session with this id, or with the external id, exists. */
export async function createSession(
  query: Query,
  session: NewSession,
  externalId: string | null = null,
): Promise<boolean> {
  const created = await query(
    `INSERT INTO agent_gateway.session (id, tenant, user_id, agent, created_at, last_used_at, parent_session_id,
       parent_run_id, parent_tool_call_id, root_id, external_id, keep_ms)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id`,
    [
      session.id,
      escapeText(session.tenant),
      escapeText(session.userId),
      escapeText(session.agent),
      session.createdAt,
      session.parent?.sessionId ?? null,
      session.parent?.runId ?? null,
      session.parent?.toolCallId ?? null,
      session.rootId ?? null,
      externalId === null ? null : escapeText(externalId),
      session.keepMs ?? null,
    ],
  )
  return created.length > 0
}

async function findSession(query: Query, sessionId: string, versions: Versions): Promise<Session | null> {
  const [row] = await query(
    `SELECT ${sessionColumns}, session.log_version, ${lastSeq} AS last_seq, run.id AS run_id, run.cursor, run.state,
       run.end_seq, EXISTS (SELECT FROM agent_gateway.command
         WHERE command.session_id = session.id AND (command.type = 'withdraw'
           OR command.type = 'message' AND command.not_before <= ${nowMs}
           AND command.run_id IS DISTINCT FROM session.active_run)) AS has_due_work
     FROM agent_gateway.session LEFT JOIN agent_gateway.run ON run.id = session.active_run WHERE session.id = $1`,
    [escapeText(sessionId)],
  )
  if (row === undefined) return null
  refuseNewer(row, versions)
  return toSession(row)
}

async function findRun(query: Query, sessionId: string, runId: string): Promise<Run | null> {
  const [row] = await query(
    "SELECT id AS run_id, session_id, cursor, state, end_seq FROM agent_gateway.run WHERE id = $1 AND session_id = $2",
    [escapeText(runId), escapeText(sessionId)],
  )
  return row === undefined ? null : toRun(row)
}
