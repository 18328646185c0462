import { alwaysLive } from "../../../../core/ports/store/liveness.ts"
import type { SessionLog } from "../../../../core/ports/store/session-log.ts"
import type { Clock } from "../../../../core/time/clock.ts"
import type { Alarm } from "../../bell.ts"
import { hasLargeEvents, makeLargeBodies, noLargeBodies } from "../../rows/large/large-bodies.ts"
import { toClaim } from "../../rows/session-rows.ts"
import { collectStirred } from "../../rows/subscription-rows.ts"
import type { Versions } from "../../rules/versions.ts"
import { listAnswered } from "../../rules/wait-answers.ts"
import type { Inboxes } from "../../sql/inbox.ts"
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
} from "../../sql/sessions.ts"
import type { Steps } from "../../sql/statement.ts"
import { putAnswers, putInTree, revokeInTree } from "../../sql/tree.ts"
import type { WatchHub } from "../../watch-hub.ts"
import type { Database } from "../database/database.ts"
import { createSqlDatabase } from "../database/sql-database.ts"
import { createWriteProbe } from "../database/write-probe.ts"
import { isWanted, put, readPending } from "../inbox.ts"
import { putLarge } from "../large/large-commands.ts"
import { storeText } from "../large/large-texts.ts"
import type { TextRemover } from "../large/text-remover.ts"
import { claim, claimRunnable, release } from "../leases/leases.ts"
import type { Membership } from "../leases/membership.ts"
import { stirCursors } from "../outbox/subscriptions.ts"
import { cancelManyBelow, findCanceled, runInInboxes } from "../tree.ts"
import { commitBatch } from "./commit.ts"
import { pruneDeltas, pruneSessions } from "./prune.ts"
import { countStoredBytes, readEntries } from "./reading.ts"

/** Creates the port over one open database whose schema is up to date. */
export function createSessionLog(
  database: Database,
  {
    membership,
    hub,
    alarms,
    clock,
    directory,
    versions,
    remover,
  }: {
    readonly remover: TextRemover
    readonly membership: Membership
    readonly versions: Versions
    readonly hub: WatchHub
    /** Rung when rows are stored for the outbox or for subscribers. */
    readonly alarms: { readonly outbox: Alarm; readonly subscriptions: Alarm }
    readonly clock: Clock
    /** Null for a database in memory. */
    readonly directory: string | null
  },
): SessionLog {
  const owner = membership.id
  const { reads } = versions
  const now = () => clock.now()
  const shared = createSqlDatabase(database, clock)
  const inTree = {
    options: () => ({ versions, now: now() }),
    arrived: (sessionId: string) => hub.arrived(sessionId),
  }
  const run = <T>(steps: (inboxes: Inboxes) => Steps<T>) => runInInboxes(database, inTree.options(), steps)
  return {
    // The lock of its process file is held as long as the process exists.
    liveness: alwaysLive,
    writableVersion: () => versions.writes(),
    now: async () => now(),
    async createSession(session) {
      await shared.transaction(() => createSession(session))
    },
    openSession: (session, externalId) => shared.transaction(() => openSession(session, externalId)),
    findSession: (principal, agent, externalId) =>
      shared.readSteps(() => findByExternalId({ ...principal, agent }, externalId, versions)),
    session: (sessionId) => shared.readSteps(() => findSession(sessionId, versions)),
    inboxMessages: (sessionId) => listInboxMessages(shared, sessionId),
    queuedRuns: (sessionId) => findQueued(shared, sessionId),
    run: (sessionId, runId) => findRun(shared, sessionId, runId),
    async revokeSession(sessionId, at, { keepMs = null } = {}) {
      await cancelManyBelow(database, { ...inTree, find: () => ({ sessionId, runId: null, at }) })
      const { outcome, arrivals } = await database.write(() =>
        run((inboxes) => revokeInTree(inboxes, { sessionId, at, keepMs })),
      )
      remover.removeSoon()
      for (const arrival of arrivals) hub.arrived(arrival)
      return outcome
    },
    async put(command, limits) {
      if (command.type === "cancel") {
        const find = () => findCanceled(database, command, inTree.options())
        await cancelManyBelow(database, { ...inTree, find })
      }
      const { outcome, arrivals } = await putLarge(database, {
        command,
        now: now(),
        isWanted: () => isWanted(database, command, { versions, limits, now: now() }),
        put: (texts) => run((inboxes) => putInTree(inboxes, command, { limits, texts })),
      })
      if (command.type === "cancel") remover.removeSoon()
      for (const arrival of arrivals) hub.arrived(arrival)
      return outcome
    },
    async putAndClaim(message, agents, limits) {
      const { sessionId } = message
      const { outcome, isDue, claimed, inserted } = await putLarge(database, {
        command: message,
        now: now(),
        isWanted: () => isWanted(database, message, { versions, limits, now: now() }),
        put(texts) {
          const claim = { owner, agents, reads }
          return put(database, message, { versions, limits, texts, now: now(), claim })
        },
      })
      if (claimed === null && (isDue || outcome.status === "steered")) hub.arrived(sessionId)
      return { outcome, ...toClaim(claimed, inserted) }
    },
    async answerAll(commands) {
      const outcomes = await database.write(() => run((inboxes) => putAnswers(inboxes, commands)))
      for (const sessionId of listAnswered(commands, outcomes)) hub.arrived(sessionId)
      return outcomes
    },
    claim: (sessionId, agents) => claim(database, membership, sessionId, { agents, reads, now: now() }),
    claimRunnable: (agents, limit, shares) =>
      claimRunnable(database, membership, { agents, reads }, { limit, shares, now: now() }),
    held: () => listHeldLeases(shared, owner),
    async pending(lease, options) {
      const { commands, hasTexts } = await readPending(database, lease, { ...options, owner, now: now() })
      // The next commit may consume them.
      if (hasTexts) remover.removeSoon()
      return commands
    },
    release: (lease, options) =>
      database.write(() => release(database, lease, { ...options, owner, now: now() })),
    async commit(batches) {
      let stirred = false
      const at = now()
      const store = (value: object, sessionId: string) => storeText(database, { sessionId, value, now: at })
      const bodies = hasLargeEvents(batches) ? await makeLargeBodies(batches, store) : noLargeBodies
      const outcomes = await database.write(() => {
        const outcomes = batches.map((batch) => commitBatch(database, batch, { owner, now: at, bodies }))
        const stored = collectStirred(batches.filter((_, index) => outcomes[index] === "ok"))
        stirred = stirCursors(database, stored, at) > 0
        return outcomes
      })
      if (bodies !== noLargeBodies) remover.removeSoon()
      if (stirred) alarms.subscriptions.ring()
      if (batches.some(({ outbox = [] }) => outbox.length > 0)) alarms.outbox.ring()
      for (const [index, { lease, entries }] of batches.entries()) {
        const last = entries.at(-1)
        if (outcomes[index] === "ok" && last !== undefined) hub.changed(lease.sessionId, last.seq)
      }
      return outcomes
    },
    read: (sessionId, options) => readEntries(database, sessionId, { ...options, reads }),
    ...createLogStarts(shared),
    storedBytes: (principal) => countStoredBytes(database, principal),
    watch: (sessionId, { signal }) => hub.watch(sessionId, signal),
    arrivals: ({ signal }) => hub.arrivals(signal),
    async prune(limits) {
      await pruneDeltas(database, limits.deltasSettledBefore)
      await pruneSubscribers(shared, limits)
      await pruneSessions(database, limits, { now })
      await pruneOutbox(shared, limits)
      await remover.removeAll()
    },
    ping: createWriteProbe(database, clock, directory),
  }
}
