import {
  GatewayError,
  ShuttingDownError,
  StoreUnavailableError,
  UpgradeInProgressError,
} from "../../core/errors.ts"
import { toPrincipalKey } from "../../core/fairness/principal-key.ts"
import type { Ids } from "../../core/ids.ts"
import { type EventEntry, isTerminal } from "../../core/log/entries.ts"
import { findMessageVersion } from "../../core/log/forms.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Approvals } from "../../core/ports/store/approvals.ts"
import type { Outbox } from "../../core/ports/store/outbox.ts"
import type { NewSession, Session, SessionLog } from "../../core/ports/store/session-log.ts"
import type { Snapshots } from "../../core/ports/store/snapshots.ts"
import type { SchemaCheck } from "../../core/ports/tools/schema-check.ts"
import { createMessageCommand } from "../../core/runs/create-message-command.ts"
import type { Clock } from "../../core/time/clock.ts"
import { createDecisions } from "./answering/decisions.ts"
import type { LiveMemory } from "./live-memory.ts"
import type { Feed } from "./reading/feed.ts"
import { readHistory } from "./reading/history.ts"
import type { ReadQueue } from "./reading/read-queue.ts"
import { StoreTails } from "./reading/store-tails.ts"
import { summarizeRun } from "./reading/summarize-run.ts"
import { viewSession } from "./reading/view.ts"
import type { RunResult, Sessions } from "./sessions.ts"
import type { Storage } from "./storage.ts"
import { hasTaskWork, listTasks } from "./tree/list-tasks.ts"
import { viewTree } from "./tree/view-tree.ts"
import type { Worker } from "./worker/worker.ts"

export interface SessionsOptions {
  readonly log: SessionLog
  readonly approvals: Approvals
  readonly outbox: Pick<Outbox, "rows">
  readonly checkSchema: SchemaCheck
  readonly feed: Feed
  readonly reads: ReadQueue
  readonly snapshots: Snapshots
  /** Memory of the histories of large sessions that are read at once. */
  readonly historyMemory: LiveMemory
  readonly worker: Worker
  readonly storage: Storage
  /** The agent of new sessions, unless the caller names another one. */
  readonly defaultAgent: string
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

export function createSessions({
  log,
  approvals,
  outbox,
  checkSchema,
  feed,
  reads,
  snapshots,
  historyMemory,
  worker,
  storage,
  defaultAgent,
  clock,
  ids,
  logger,
}: SessionsOptions): Sessions {
  const decisions = createDecisions({
    log,
    approvals,
    checkSchema,
    clock,
    onAnswered: (sessionId) => worker.take(sessionId),
  })

  const tasks = async (sessionId: string, signal: AbortSignal) => {
    const session = await log.session(sessionId)
    return session === null ? [] : listTasks({ log, reads }, session, signal)
  }
  const listRunningTasks = async (sessionId: string, signal: AbortSignal) =>
    (await tasks(sessionId, signal)).filter(({ outcome }) => outcome === null)
  const hasTasks = (sessionId: string, signal: AbortSignal) =>
    hasTaskWork({ tasks, outbox }, sessionId, signal)

  const tails = new StoreTails({ log, feed, reads })
  const session = shareReads((sessionId) => log.session(sessionId))
  const viewParts = { log, feed, reads, tails, session, hasTasks, hold: worker.hold }
  const view: Sessions["view"] = (sessionId, options) => viewSession(viewParts, sessionId, options)
  const treeParts = {
    ...{ log, reads, view, logger, runningTasks: listRunningTasks },
    openWaits: (sessionId: string) => decisions.openWaits({ sessionId }),
  }

  return {
    ...decisions,

    async create({ tenant, userId }, agent = defaultAgent, { id, keepMs } = {}) {
      const createdAt = clock.now()
      const given = { id: id ?? ids.next("sess"), tenant, userId, agent, createdAt }
      const session = { ...given, ...(keepMs !== undefined && { keepMs }) }
      await log.createSession(session)
      const existing = id === undefined ? null : await log.session(id)
      if (existing !== null && toPrincipalKey(existing) !== toPrincipalKey(given)) throw createTakenIdError()
      return existing ?? describeNew(session, null)
    },

    async open({ tenant, userId }, agent = defaultAgent, externalId, options) {
      const given = { id: ids.next("sess"), tenant, userId, agent, createdAt: clock.now(), ...options }
      const { sessionId, isNew } = await log.openSession(given, externalId)
      if (isNew) return { session: describeNew(given, externalId), isNew }
      const session = await log.session(sessionId)
      if (session === null) throw new StoreUnavailableError({ detail: "The session was just removed." })
      return { session, isNew }
    },

    find: (principal, agent = defaultAgent, externalId) => log.findSession(principal, agent, externalId),
    session: (sessionId) => log.session(sessionId),
    run: (sessionId, runId) => log.run(sessionId, runId),

    async position(sessionId, runId) {
      const [session, queued] = await Promise.all([log.session(sessionId), log.queuedRuns(sessionId)])
      const run = queued.find((each) => each.runId === runId)
      const isNext = run?.position === 1 && session?.activeRun === null && session.hasDueWork
      return isNext ? undefined : run?.position
    },

    async start({ request, principal, runLimits, runId = ids.next("run"), ...message }) {
      if (findMessageVersion(message) > log.writableVersion()) throw new UpgradeInProgressError()
      const limits = await storage.limitsFor(principal)
      const command = createMessageCommand({
        runId,
        at: clock.now(),
        ...(runLimits !== undefined && { limits: runLimits }),
        ...message,
      })
      return worker.accept(command, { request, principal, limits })
    },

    async cancel(sessionId, runId) {
      const outcome = await log.put({ type: "cancel", sessionId, runId, at: clock.now() })
      if (outcome.status === "accepted") await worker.take(sessionId)
      return outcome
    },

    withdrawMessage: (sessionId, messageId) =>
      log.put({ type: "withdrawMessage", sessionId, messageId, at: clock.now() }),

    view,
    viewTree: (sessionId, options) => viewTree(treeParts, sessionId, options),

    history: (sessionId, query) =>
      readHistory(
        {
          log,
          reads,
          snapshots,
          memory: historyMemory,
          openWaits: decisions.openWaits,
          runningTasks: listRunningTasks,
        },
        sessionId,
        query,
      ),

    tasks: (sessionId, { signal }) => tasks(sessionId, signal),
    hasTaskWork: (sessionId, { signal }) => hasTasks(sessionId, signal),

    async revoke(sessionId, options) {
      const found = await log.revokeSession(sessionId, clock.now(), options)
      if (found) await worker.take(sessionId)
      return found
    },

    async result(sessionId, runId, { signal = new AbortController().signal } = {}) {
      const run = await log.run(sessionId, runId)
      if (run === null)
        throw new GatewayError({ code: "run_not_found", status: 404 }, "There is no such run.")
      const events: EventEntry[] = []
      for await (const batch of view(sessionId, {
        afterSeq: run.cursor,
        runId,
        throughLapse: true,
        signal,
      })) {
        for (const entry of batch) if (entry.kind === "event") events.push(entry)
      }
      signal.throwIfAborted()
      return createResult(runId, events)
    },
  }
}

function describeNew(session: NewSession, externalId: string | null): Session {
  return {
    ...session,
    externalId,
    parent: null,
    rootId: session.id,
    depth: 0,
    lastUsedAt: session.createdAt,
    revokedAt: null,
    lastSeq: 0,
    storedBytes: 0,
    activeRun: null,
    hasDueWork: false,
  }
}

function createResult(runId: string, entries: readonly EventEntry[]): RunResult {
  const last = entries.at(-1)
  // A view ends early only if the process stops. The run resumes at the next start.
  if (last === undefined || !isTerminal(last.event)) throw new ShuttingDownError()
  return { runId, outcome: last.event, ...summarizeRun(entries) }
}

/** Ids of sessions only select, so that a known id never opens the session of another owner. */
function createTakenIdError(): GatewayError {
  return new GatewayError(
    { code: "session_not_found", status: 404 },
    "The session does not exist or has expired.",
  )
}

/**
 * Shares one read among the calls for one key in a turn of the event loop. The read starts after all of these calls,
 * so each of them receives a state from after its call.
 */
function shareReads<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const waiting = new Map<string, Promise<Value>>()
  return (key) => {
    const known = waiting.get(key)
    if (known !== undefined) return known
    const shared = new Promise<void>((resolve) => {
      setImmediate(() => {
        waiting.delete(key)
        resolve()
      })
    }).then(() => read(key))
    waiting.set(key, shared)
    return shared
  }
}
