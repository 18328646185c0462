import type { SessionLog } from "../../../../core/ports/store/session-log.ts"
import type { Alarm } from "../../bell.ts"
import { makeLargeContents } from "../../rows/large/large-contents.ts"
import { collectStirred } from "../../rows/subscription-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import { listAnswered } from "../../rules/wait-answers.ts"
import type { InboxTransaction } from "../../sql/inbox.ts"
import { createLogStarts } from "../../sql/log-starts.ts"
import { pruneOutbox, pruneSubscribers } from "../../sql/prune.ts"
import { findQueued, listInboxMessages } from "../../sql/read-inbox.ts"
import {
  createSession,
  findByExternalId,
  findRun,
  findSession,
  listHeldLeases,
  openSession,
  readTime,
} from "../../sql/sessions.ts"
import { putAnswers, putInTree, revokeInTree } from "../../sql/tree.ts"
import type { WatchHub } from "../../watch-hub.ts"
import { createCommitOrder } from "../database/commit-order.ts"
import type { Database } from "../database/database.ts"
import type { DiskSpace } from "../database/disk-space.ts"
import { createSqlDatabase, runSteps } from "../database/sql-database.ts"
import { putAndClaim, readPending } from "../inbox/inbox.ts"
import type { HeartbeatTimes } from "../leases/heartbeat.ts"
import { claim, claimRunnable, release } from "../leases/leases.ts"
import type { Membership } from "../leases/membership.ts"
import { commit } from "./commit.ts"
import { pruneDeltas, pruneProcesses, pruneSessions } from "./prune.ts"
import { readEntries, readStoredBytes } from "./reading.ts"

export interface SessionLogParts {
  readonly database: Database
  readonly inTransaction: InboxTransaction
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
  const { database, inTransaction, commits, space, membership, times, versions, hub, alarms } = parts
  const { query } = database
  const shared = createSqlDatabase(database)
  const { id: owner, liveness } = membership
  const claimer = { owner, times }
  const { reads } = versions
  const inOrder = createCommitOrder()
  return {
    liveness,
    writableVersion: () => versions.writes(),
    now: () => readTime(shared),
    async createSession(session) {
      await runSteps(query, createSession(session))
    },
    openSession: (session, externalId) => runSteps(query, openSession(session, externalId)),
    findSession: (principal, agent, externalId) =>
      shared.readSteps(() => findByExternalId({ ...principal, agent }, externalId, versions)),
    session: (sessionId) => shared.readSteps(() => findSession(sessionId, versions)),
    inboxMessages: (sessionId) => listInboxMessages(shared, sessionId),
    queuedRuns: (sessionId) => findQueued(shared, sessionId),
    run: (sessionId, runId) => findRun(shared, sessionId, runId),
    async revokeSession(sessionId, at, { keepMs = null } = {}) {
      const revocation = { sessionId, at, keepMs }
      const { outcome, arrivals } = await inTransaction((inboxes) => revokeInTree(inboxes, revocation))
      for (const arrival of arrivals) hub.arrived(arrival)
      return outcome
    },
    async put(command, limits) {
      if (command.type === "message") space.requireSpace()
      const texts = await makeLargeContents(command)
      const { outcome, arrivals } = await inTransaction((inboxes) =>
        putInTree(inboxes, command, { limits, texts }),
      )
      for (const arrival of arrivals) hub.arrived(arrival)
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
      const outcomes = await inTransaction((inboxes) => putAnswers(inboxes, commands))
      for (const sessionId of listAnswered(commands, outcomes)) hub.arrived(sessionId)
      return outcomes
    },
    claim: (sessionId, agents) => claim(query, sessionId, { agents, reads }, claimer),
    claimRunnable: (agents, limit, shares) =>
      claimRunnable(query, { agents, reads }, claimer, { limit, shares }),
    held: () => listHeldLeases(shared, owner),
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
    ...createLogStarts(shared),
    storedBytes: (principal) => readStoredBytes(query, principal),
    watch: (sessionId, { signal }) => hub.watch(sessionId, signal),
    arrivals: ({ signal }) => hub.arrivals(signal),
    async prune(limits) {
      await pruneDeltas(query, limits.deltasSettledBefore)
      await pruneSubscribers(shared, limits)
      await pruneSessions(query, limits)
      await pruneOutbox(shared, limits)
      await pruneProcesses(query)
    },
    async ping() {
      space.requireSpace()
      await query("SELECT FROM agent_gateway.session LIMIT 1")
    },
  }
}
