import type { EnvironmentSettings } from "../adapters/providers/choose/environment.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Ids } from "../core/ids.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import type { Directory } from "../core/ports/store/directory.ts"
import type { Keyring } from "../core/ports/store/keyring.ts"
import type { Memory } from "../core/ports/store/memory.ts"
import type { Outbox } from "../core/ports/store/outbox.ts"
import type { Store } from "../core/ports/store/store.ts"
import type { Subscriber } from "../core/ports/store/subscriptions.ts"
import type { Clock } from "../core/time/clock.ts"
import { createTranscripts } from "../features/transcripts/transcripts.ts"
import { createHttpApp } from "../http/app.ts"
import { rememberKeys } from "../http/auth/remember-keys.ts"
import { rememberRevocations } from "../http/auth/remember-revocations.ts"
import { createOperators } from "../http/operate/operators.ts"
import { knowsUsers } from "../http/options.ts"
import { rejectOnAbort } from "../kernel/agent/reject-on-abort.ts"
import { announceAgents } from "../kernel/sessions/announce-agents.ts"
import { createSessions } from "../kernel/sessions/create-sessions.ts"
import { SessionFolds } from "../kernel/sessions/folding/session-folds.ts"
import { startHousekeeping } from "../kernel/sessions/housekeeping.ts"
import { createLiveMemory } from "../kernel/sessions/live-memory.ts"
import { resolvePlaces } from "../kernel/sessions/options.ts"
import { Dispatcher } from "../kernel/sessions/outbox/dispatcher.ts"
import { Feed } from "../kernel/sessions/reading/feed.ts"
import { ReadQueue } from "../kernel/sessions/reading/read-queue.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { createStorage, runGrowth, type Storage } from "../kernel/sessions/storage.ts"
import { Following } from "../kernel/sessions/subscribers/following.ts"
import type { ResolveRuntime } from "../kernel/sessions/worker/runtime-resolver.ts"
import { Worker } from "../kernel/sessions/worker/worker.ts"
import { Committer } from "../kernel/sessions/writing/committer.ts"
import { createImageExaminer, type ImageExaminer } from "../kernel/tools/images/image-examiner.ts"
import { createImagePreparation } from "../kernel/tools/images/prepare-images.ts"
import { createSchemaChecker, type SchemaChecker } from "../kernel/tools/schema-check/schema-checker.ts"
import type { OperationParts } from "../operations/parts.ts"
import { consoleTenant } from "../operations/tenants.ts"
import { createMask } from "../platform/logging/mask.ts"
import { pickOptions } from "../platform/options/resolve-options.ts"
import { type AgentService, type ChosenAgent, openAgent } from "./agent/agent-service.ts"
import { followUserCode, type UserCode } from "./agent/user-code.ts"
import { listWires } from "./built-in-wires.ts"
import { checkKeys } from "./check-keys.ts"
import type { PrepareOptions, ReadinessOptions } from "./gateway.ts"
import { computeHeapShares } from "./heap-shares.ts"
import { announceSessions } from "./hooks/announce-sessions.ts"
import { createExpiredSessionHandler, expiredSessionKind } from "./hooks/expired-sessions.ts"
import { createHookSubscribers } from "./hooks/hook-subscribers.ts"
import { hookOptions } from "./hooks/hooks.ts"
import { redactSessions } from "./mask-sessions.ts"
import { type OpenConsole, openConsole } from "./open-console.ts"
import { openOperations } from "./open-operations.ts"
import { openStore } from "./open-store.ts"
import { openTelemetry } from "./open-telemetry.ts"
import { type ModelProbe, probeModels } from "./operate/probe-models.ts"
import { type ScheduleParts, selectScheduleParts } from "./operate/schedules.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import { packageVersion } from "./package-version.ts"
import { type PauseWatch, pausedDetail, watchPause } from "./paused-store.ts"
import { findAnyOf } from "./plugins/authorizations.ts"
import { LivePlace } from "./plugins/live-parts.ts"
import { joinOutboxHandlers, listRemovedSessionKinds } from "./plugins/outbox-handlers.ts"
import { joinRoutes } from "./plugins/routes.ts"
import { checkReadiness } from "./readiness.ts"
import { callOnShutdown, drainRuns, stopDelivering } from "./shutdown.ts"
import { createKeyWarning } from "./warn-of-keys.ts"

/** All parts of a gateway, assembled and running. */
export interface Service {
  readonly sessions: Sessions
  readonly directory: Directory
  readonly keyring: Keyring
  readonly revocations: Store["revocations"]
  readonly outbox: Outbox
  /** Undefined if the store has no memories. */
  readonly memory: Memory | undefined
  /** Throws a `ConfigurationError` if the store has no schedules. */
  readonly schedules: () => ScheduleParts
  readonly operationParts: OperationParts
  readonly logger: Logger
  /** If true, all clients and streams see the own messages of providers. */
  readonly providerErrors: boolean
  readonly takesAnyKey: boolean
  /** Warns of missing and of short API keys. Called before clients are served. Only its first call logs anything. */
  warnOfKeys(): void
  /** Decides who may use the console. Null if it is off. */
  readonly console: OpenConsole["access"] | null
  fetch(request: Request, bindings?: object): Response | Promise<Response>
  readiness(options?: ReadinessOptions): Promise<Readiness>
  probeModels(signal: AbortSignal): Promise<readonly ModelProbe[]>
  /** Registers a function that is called before the parts close, such as to stop listeners. */
  onClose(stop: () => Promise<void>): void
  close(graceMs: number): Promise<void>
}

export interface ServiceOptions {
  readonly server: ResolvedServer
  /** The agents. The first one is the default. */
  readonly agents: readonly [ChosenAgent, ...ChosenAgent[]]
  readonly settings: EnvironmentSettings
  readonly mode: PrepareOptions["mode"]
  readonly idle: NonNullable<PrepareOptions["idle"]>
  readonly console: PrepareOptions["console"]
  readonly logger: Logger
  readonly clock: Clock
  readonly ids: Ids
  /** Aborted when the gateway is closed, including during its start. */
  readonly closing: AbortSignal
}

export async function startService(options: ServiceOptions): Promise<Service> {
  const { server, settings, mode, logger } = options
  const store = await openStore(server, { clock: options.clock, logger })
  const { clock = options.clock } = store
  const schemas = createSchemaChecker()
  const images = createImageExaminer()
  const storage = createStorage({ log: store.log, clock, bounds: server.limits })
  const userCode = followUserCode({ callbackTimeoutMs: server.callbackTimeoutMs, logger })
  const live = new LivePlace()
  const agents: AgentService[] = []
  try {
    for (const agent of options.agents) {
      const opened = await openAgent(agent, {
        server,
        isDefault: agent === options.agents[0],
        agentNames: options.agents.map(({ name }) => name),
        settings,
        mode,
        store,
        storage,
        live,
        userCode,
        prepareImages: createImagePreparation(images, logger),
        checkSchema: schemas.check,
        clock,
        ids: options.ids,
        logger,
        closing: options.closing,
      })
      agents.push(opened)
    }
    const pause = await watchPause(store.pause, { logger, signal: options.closing })
    if (pause.isPaused && mode === "run") throw new ConfigurationError(pausedDetail)
    return await startParts(
      { ...options, clock },
      { store, pause, storage, agents, live, schemas, images, userCode },
    )
  } catch (error) {
    await Promise.all(agents.map((agent) => agent.close()))
    await images.close()
    await schemas.close()
    await store.close()
    throw error
  }
}

interface Started {
  readonly store: Store
  readonly pause: PauseWatch
  readonly storage: Storage
  readonly agents: readonly AgentService[]
  readonly live: LivePlace
  readonly schemas: SchemaChecker
  readonly images: ImageExaminer
  readonly userCode: UserCode
}

async function startParts(options: ServiceOptions, started: Started): Promise<Service> {
  const { server, mode, idle, logger, clock, ids, closing } = options
  const { store, pause, storage, agents, live, schemas, images, userCode } = started
  const { log, approvals, directory } = store
  const keyring = rememberKeys(store.keyring)
  const revocations = rememberRevocations(store.revocations)
  const names = agents.map(({ name }) => name)
  const feed = new Feed()
  const reads = new ReadQueue(log)
  const operators = createOperators(server, options.settings.operatorKey)
  const { observers, metrics, traces } = await openTelemetry(options, { store, agents, operators })
  const committer = new Committer(log, logger, observers)
  const folds = new SessionFolds({ log, snapshots: store.snapshots, reads, logger })
  const heapShares = computeHeapShares()
  const worker = new Worker({
    log,
    feed,
    folds,
    storage,
    committer,
    agents: names,
    resolveRuntime: createRuntimeResolver(agents),
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
  const sessions = announceSessions(
    createSessions({
      log,
      approvals,
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
    }),
    server,
    { userCode, logger },
  )
  const follow = (subscribers: readonly Subscriber[], agents: readonly string[]) =>
    new Following({ reads, logger, subscriptions: store.subscriptions, subscribers, agents })
  const followings = [
    follow(
      [
        ...createHookSubscribers(pickOptions(hookOptions, server), {
          log,
          callbackTimeoutMs: userCode.timeoutMs,
          logger,
        }),
        // A gateway that only inspects the store writes nothing.
        ...(idle ? [] : createTranscriptSubscribers(server)),
      ],
      names,
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
  let accepting = true
  const keySettings = { ...server, operators }
  const checkAll = (isOperator: boolean) =>
    checkReadiness(
      { store, pause, agents, accepting, keys: checkKeys(keySettings) },
      { isOperator, showsLinks: isOperator || mode === "dev" },
    )
  const providerErrors = mode === "dev" || mode === "run" || server.showProviderErrors === "clients"
  const shownSessions = server.redact === undefined ? sessions : redactSessions(sessions, server.redact)
  live.fill({ sessions: shownSessions, directory, providerErrors, accepting: () => accepting, logger })
  const schedules = () => selectScheduleParts(store, ids)
  const operationParts = openOperations({
    server,
    agents: options.agents,
    services: agents,
    mode,
    store,
    sessions: shownSessions,
    schedules,
    readiness: checkAll,
  })
  const ownConsole = openConsole({ server, mode, isAsked: options.console, operators, revocations, clock })
  const app = createHttpApp({
    ...server,
    agents,
    sessions: shownSessions,
    directory,
    wires: listWires(server.wires),
    keyring,
    revocations,
    storeId: () => store.id(),
    observers,
    clock,
    logger,
    version: packageVersion,
    readiness: () => checkAll(false),
    openFile: async ({ id, agent }, path) => findAgent(agents, agent).openFile(id, path),
    accepting: () => accepting,
    showsProviderErrors: (tenant) => providerErrors || tenant === consoleTenant,
    parsedBytes: heapShares.parsedBytes,
    findAuthorization: findAnyOf(agents) ?? undefined,
    pluginRoutes: joinRoutes(agents),
    operators,
    operationParts,
    readMetrics: metrics.read,
    callbackTimeoutMs: userCode.timeoutMs,
    allowLocalhost: mode === "dev",
    logsRequests: mode === "dev",
    addPages: ownConsole?.addPages,
  })
  await rejectOnAbort(closing, Promise.resolve(server.onStartup?.({ signal: closing })))
  const { sessionRetentionDays, keepDeltasSeconds } = server
  await metrics.listen()
  const stopAnnouncing = idle ? null : await announceAgents({ directory, agents: names, logger })
  let stopHousekeeping: (() => void) | null = null
  let hasBegun = false
  const begin = async () => {
    hasBegun = true
    // The subscribers start before the first commit that they must receive.
    await Promise.all(followings.map((following) => following.start()))
    await worker.start()
    dispatcher.start()
    // A process that executes a single run leaves other due work to servers.
    if (mode !== "run") for (const agent of agents) await agent.start()
    stopHousekeeping = startHousekeeping({
      log,
      archive: store.archive,
      logger,
      sessionRetentionDays,
      keepDeltasSeconds,
      removedSessionKinds: [
        ...listRemovedSessionKinds(pluginHandlers),
        ...(server.onSessionExpired === undefined ? [] : [expiredSessionKind]),
      ],
    })
  }
  const beginning = idle
    ? Promise.resolve()
    : pause.resumed.then((isResumed) => (isResumed ? begin() : undefined))
  if (pause.isPaused) {
    beginning.catch((error: unknown) =>
      logger.error({ error }, "The resumed store cannot be used. Restart the gateway."),
    )
  } else await beginning.catch((error: unknown) => metrics.close().then(() => Promise.reject(error)))
  const listeners: (() => Promise<void>)[] = []

  return {
    sessions,
    directory,
    keyring,
    revocations,
    outbox: store.outbox,
    memory: store.memory,
    schedules,
    operationParts,
    logger,
    providerErrors,
    takesAnyKey: !knowsUsers(server),
    warnOfKeys: createKeyWarning(keySettings, logger),
    console: ownConsole?.access ?? null,
    fetch: (request, bindings) => app.fetch(request, bindings),
    readiness: ({ forOperator = false } = {}) => checkAll(forOperator),
    async probeModels(signal) {
      const models = await Promise.all(agents.map((agent) => agent.probedModels()))
      return probeModels(
        models.filter((each) => each !== null),
        signal,
      )
    },
    onClose: (stop) => listeners.push(stop),
    async close(graceMs) {
      accepting = false
      stopHousekeeping?.()
      stopAnnouncing?.()
      await beginning.catch(() => undefined)
      await drainRuns(worker, agents, graceMs)
      await folds.close()
      feed.close()
      // These take up to two seconds each, and are independent of each other.
      await Promise.all([
        ...listeners.map((stop) => stop()),
        metrics.close(),
        committer.close().then(() => (hasBegun ? stopDelivering([...followings, dispatcher]) : null)),
        userCode.settle(),
        images.close(),
        ...agents.map((agent) => agent.close()),
        schemas.close(),
      ])
      await store.close()
      await callOnShutdown(server, logger)
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
function findAgent(agents: readonly AgentService[], name: string): AgentService {
  const agent = agents.find((each) => each.name === name)
  if (agent === undefined) throw new ConfigurationError(`This process serves no agent named ${name}.`)
  return agent
}

function createRuntimeResolver(agents: readonly AgentService[]): ResolveRuntime {
  return (request) => findAgent(agents, request.session.agent).resolveRuntime(request)
}
