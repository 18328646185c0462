import type { Logger } from "../../core/ports/logger.ts"
import type { Readiness } from "../../core/ports/readiness.ts"
import type { Memory } from "../../core/ports/store/memory.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"
import { createHttpApp } from "../../http/app.ts"
import { rememberKeys } from "../../http/auth/remember-keys.ts"
import { rememberRevocations } from "../../http/auth/remember-revocations.ts"
import { createOperators } from "../../http/operate/operators.ts"
import { knowsUsers } from "../../http/options.ts"
import { announceAgents } from "../../kernel/sessions/announce-agents.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { OperationParts } from "../../operations/parts.ts"
import { consoleTenant } from "../../operations/tenants.ts"
import { listWires } from "../built-in-wires.ts"
import { checkKeys } from "../check-keys.ts"
import type { ReadinessOptions } from "../gateway.ts"
import { computeHeapShares } from "../heap-shares.ts"
import { redactSessions } from "../mask-sessions.ts"
import { type ModelProbe, probeModels } from "../operate/probe-models.ts"
import { type ScheduleParts, selectScheduleParts } from "../operate/schedules.ts"
import { createToolCalls } from "../operate/tool-calls.ts"
import type { ToolCalls } from "../operate/tools.ts"
import { packageVersion } from "../package-version.ts"
import { findAnyOf } from "../plugins/authorizations.ts"
import { joinRoutes } from "../plugins/routes.ts"
import { checkReadiness } from "../readiness.ts"
import { createKeyWarning } from "../warn-of-keys.ts"
import { createClosers } from "./closers.ts"
import { type OpenConsole, openConsole } from "./open-console.ts"
import { openOperations } from "./open-operations.ts"
import { type OpenedParts, openParts, type ServiceOptions } from "./open-parts.ts"
import { findAgent, openRuns } from "./open-runs.ts"
import { openTelemetry } from "./open-telemetry.ts"
import { callOnShutdown } from "./shutdown.ts"

/** All parts of a gateway, assembled and running. */
export interface Service extends Pick<Store, "directory" | "keyring" | "revocations"> {
  /** Undefined if the store has no memories. */
  readonly memory: Memory | undefined
  /** Undefined if the store cannot keep requests. */
  readonly keptRequests: Store["keptRequests"] | undefined
  readonly sessions: Sessions
  /** Throws a `ConfigurationError` if the store has no schedules. */
  readonly schedules: () => ScheduleParts
  readonly operationParts: OperationParts
  readonly tools: ToolCalls
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
  /** Registers a function that is called while the parts close, such as to stop listeners. */
  onClose(stop: () => Promise<void>): void
  close(graceMs: number): Promise<void>
}

/** Starts a gateway. If one of its parts cannot work, closes those that were opened, and rejects. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const closers = createClosers()
  try {
    return await startParts(options, await openParts(options, closers))
  } catch (error) {
    await closers.closeAll(0).catch((failure: unknown) => {
      options.logger.error(
        { error: failure },
        "A gateway that could not start could not close all its parts.",
      )
    })
    throw error
  }
}

async function startParts(options: ServiceOptions, opened: OpenedParts): Promise<Service> {
  const { server, mode, idle, logger, ids, closing } = options
  const { store, clock, pause, agents, live, userCode, closers } = opened
  const { directory, memory } = store
  const keyring = rememberKeys(store.keyring)
  const revocations = rememberRevocations(store.revocations)
  const operators = createOperators(server, options.settings.operatorKey)
  const { observers, metrics, traces, requests } = await openTelemetry(options, { store, agents, operators })
  closers.add("parts", () => metrics.close())
  closers.add("parts", () => requests.close())
  const runs = openRuns(options, opened, { observers, traces, requests })
  const { sessions } = runs
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
  const tools = createToolCalls({
    sessions: shownSessions,
    agents,
    defaultAgent: options.agents[0].name,
    maxInputBytes: server.limits.bodyBytes,
    logger,
  })
  const operationParts = openOperations({
    server,
    agents,
    mode,
    store,
    sessions: shownSessions,
    schedules,
    tools,
    readiness: checkAll,
    requests,
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
    parsedBytes: computeHeapShares().parsedBytes,
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
  await metrics.listen()
  if (!idle) {
    const names = agents.map(({ name }) => name)
    closers.add("intervals", await announceAgents({ directory, agents: names, logger }))
  }
  const starting = idle
    ? Promise.resolve()
    : pause.resumed.then((isResumed) => (isResumed ? runs.start() : undefined))
  closers.add("start", async () => {
    accepting = false
    await starting.catch(() => undefined)
  })
  if (pause.isPaused) {
    starting.catch((error: unknown) =>
      logger.error({ error }, "The resumed store cannot be used. Restart the gateway."),
    )
  } else await starting

  return {
    sessions,
    directory,
    keyring,
    revocations,
    memory,
    keptRequests: store.keptRequests,
    schedules,
    operationParts,
    tools,
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
    onClose: (stop) => closers.add("parts", stop),
    async close(graceMs) {
      try {
        await closers.closeAll(graceMs)
      } finally {
        await callOnShutdown(server, logger)
      }
    },
  }
}
