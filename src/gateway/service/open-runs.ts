import { ConfigurationError } from "../../core/errors.ts"
import type { Subscriber } from "../../core/ports/store/subscriptions.ts"
import { createTranscripts } from "../../features/transcripts/transcripts.ts"
import { createSessions } from "../../kernel/sessions/create-sessions.ts"
import { SessionFolds } from "../../kernel/sessions/folding/session-folds.ts"
import { startHousekeeping } from "../../kernel/sessions/housekeeping.ts"
import { createLiveMemory } from "../../kernel/sessions/live-memory.ts"
import { resolvePlaces } from "../../kernel/sessions/options.ts"
import { Dispatcher } from "../../kernel/sessions/outbox/dispatcher.ts"
import { Feed } from "../../kernel/sessions/reading/feed.ts"
import { ReadQueue } from "../../kernel/sessions/reading/read-queue.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { runGrowth } from "../../kernel/sessions/storage.ts"
import { Following } from "../../kernel/sessions/subscribers/following.ts"
import { Worker } from "../../kernel/sessions/worker/worker.ts"
import { Committer } from "../../kernel/sessions/writing/committer.ts"
import { createMask } from "../../platform/logging/mask.ts"
import { pickOptions } from "../../platform/options/resolve-options.ts"
import type { Agent } from "../agent/agent.ts"
import { computeHeapShares } from "../heap-shares.ts"
import { announceSessions } from "../hooks/announce-sessions.ts"
import { createExpiredSessionHandler, expiredSessionKind } from "../hooks/expired-sessions.ts"
import { createHookSubscribers } from "../hooks/hook-subscribers.ts"
import { hookOptions } from "../hooks/hooks.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { joinOutboxHandlers, listRemovedSessionKinds } from "../plugins/outbox-handlers.ts"
import type { OpenedParts, ServiceOptions } from "./open-parts.ts"
import type { OpenTelemetry } from "./open-telemetry.ts"
import { drainRuns, stopDelivering } from "./shutdown.ts"

/** The sessions of a gateway, and the work on their runs. */
export interface Runs {
  readonly sessions: Sessions
  /** Starts to work on runs, and to deliver what is due. */
  start(): Promise<void>
}

/** Opens the parts that work on runs. */
export function openRuns(
  options: ServiceOptions,
  opened: OpenedParts,
  { observers, traces, requests }: Pick<OpenTelemetry, "observers" | "traces" | "requests">,
): Runs {
  const { server, mode, idle, logger, ids } = options
  const { store, clock, pause, storage, agents, schemas, userCode, closers } = opened
  const { log } = store
  const heapShares = computeHeapShares()
  const feed = new Feed()
  const reads = new ReadQueue(log)
  const committer = new Committer(log, logger, observers)
  const folds = new SessionFolds({ log, snapshots: store.snapshots, reads, logger })
  const worker = new Worker({
    log,
    feed,
    folds,
    storage,
    committer,
    agents: agents.map(({ name }) => name),
    resolveRuntime: (request) => findAgent(agents, request.session.agent).resolveRuntime(request),
    ...resolvePlaces(server),
    memory: createLiveMemory({ maxBytes: server.limits.liveBytes ?? heapShares.liveBytes }),
    maxSessionBytes: runGrowth * server.limits.sessionBytes,
    isPaused: () => pause.isPaused,
    observers,
    traces,
    clock,
    ids,
    logger,
  })
  const sessions = createSessions({
    log,
    approvals: store.approvals,
    outbox: store.outbox,
    checkSchema: schemas.check,
    feed,
    reads,
    snapshots: store.snapshots,
    historyMemory: createLiveMemory({ maxBytes: heapShares.historyBytes }),
    worker,
    storage,
    defaultAgent: options.agents[0].name,
    clock,
    ids,
    logger,
  })
  const follow = (subscribers: readonly Subscriber[], names: readonly string[]) =>
    new Following({ reads, logger, subscriptions: store.subscriptions, subscribers, agents: names })
  const hooks = createHookSubscribers(pickOptions(hookOptions, server), {
    log,
    callbackTimeoutMs: userCode.timeoutMs,
    logger,
  })
  const followings = [
    follow(
      // A gateway that only inspects the store writes nothing.
      [...hooks, ...(idle ? [] : createTranscriptSubscribers(server))],
      agents.map(({ name }) => name),
    ),
    ...agents.map(({ name, subscribers }) => follow(subscribers, [name])),
  ]
  const pluginHandlers = joinOutboxHandlers(agents)
  const dispatcher = new Dispatcher({
    outbox: store.outbox,
    handlers: new Map([...pluginHandlers, ...createExpiredSessionHandler(server)]),
    onCommand: (sessionId) => void worker.take(sessionId),
    observers,
    traces,
    logger,
  })
  const delivering: (Following | Dispatcher)[] = []

  closers.add("runs", (graceMs) => drainRuns(worker, agents, graceMs))
  closers.add("readers", async () => {
    await folds.close()
    feed.close()
  })
  closers.add("parts", async () => {
    await committer.close()
    await stopDelivering(delivering)
  })

  return {
    sessions: announceSessions(sessions, server, { userCode, logger }),
    async start() {
      // The subscribers start before the first commit that they must receive.
      for (const following of followings) {
        await following.start()
        delivering.push(following)
      }
      await worker.start()
      dispatcher.start()
      delivering.push(dispatcher)
      // A process that executes a single run leaves other due work to servers.
      if (mode !== "run") for (const agent of agents) await agent.start()
      const stopHousekeeping = startHousekeeping({
        log,
        archive: store.archive,
        logger,
        sessionRetentionDays: server.sessionRetentionDays,
        keepDeltasSeconds: server.keepDeltasSeconds,
        removeOthers: (now, signal) => requests.removeOld(now, signal),
        removedSessionKinds: [
          ...listRemovedSessionKinds(pluginHandlers),
          ...(server.onSessionExpired === undefined ? [] : [expiredSessionKind]),
        ],
      })
      closers.add("intervals", stopHousekeeping)
    },
  }
}

function createTranscriptSubscribers(server: ResolvedServer): readonly Subscriber[] {
  const { transcriptDir, redact, durability } = server
  if (transcriptDir === undefined) return []
  const show = redact === undefined ? {} : { show: createMask(redact) }
  return [createTranscripts({ directory: transcriptDir, sync: durability === "full", ...show })]
}

/**
 * Returns the agent of this name. A process claims only sessions of agents that it serves, so there always is one.
 */
export function findAgent(agents: readonly Agent[], name: string): Agent {
  const agent = agents.find((each) => each.name === name)
  if (agent === undefined) throw new ConfigurationError(`This process serves no agent named ${name}.`)
  return agent
}
