import { createRequire } from "node:module"
import type { RunHooks } from "../core/agent-runtime.ts"
import type { Clock } from "../core/clock.ts"
import { GatewayError } from "../core/errors.ts"
import type { Ids } from "../core/ids.ts"
import type { Approvals } from "../core/ports/approvals.ts"
import type { Keyring } from "../core/ports/keyring.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Store } from "../core/ports/store.ts"
import { createHttpApp } from "../http/app.ts"
import { Committer } from "../sessions/committer.ts"
import { createSessions } from "../sessions/create-sessions.ts"
import { Feed } from "../sessions/feed.ts"
import { startHousekeeping } from "../sessions/housekeeping.ts"
import type { ResolveRuntime } from "../sessions/runtime-resolver.ts"
import type { Sessions } from "../sessions/sessions.ts"
import { Worker } from "../sessions/worker.ts"
import { toAgentRuntime } from "./chat-runtime.ts"
import type { ChosenProvider, ProviderOptions } from "./choose-provider.ts"
import { type CodeExecutionService, openCodeExecution } from "./code-execution.ts"
import type { GatewayAppOptions } from "./create-gateway-app.ts"
import { providerForSession, type ResolveCredentials } from "./credentials.ts"
import { definedOnly } from "./defined-only.ts"
import type { EnvironmentSettings } from "./environment.ts"
import type { PrepareOptions } from "./gateway.ts"
import type { ServerOptions } from "./gateway-options.ts"
import { createHookTracker, type HookTracker } from "./hook-tracker.ts"
import { chooseStore } from "./open-store.ts"
import { redactedSessions } from "./redacted-sessions.ts"
import { refuseDemoInProduction } from "./refuse-demo.ts"

/** All parts of a gateway, put together and running. */
export interface Service {
  readonly sessions: Sessions
  readonly keyring: Keyring
  readonly logger: Logger
  readonly takesAnyKey: boolean
  fetch(request: Request, bindings?: object): Response | Promise<Response>
  /** Called before the parts close, with what else is to be stopped first: listeners. */
  onClose(stop: () => Promise<void>): void
  close(graceMs: number): Promise<void>
}

export interface ServiceOptions {
  readonly server: ServerOptions
  readonly chosen: ChosenProvider
  readonly provider: ProviderOptions
  readonly settings: EnvironmentSettings
  readonly resolveCredentials: ResolveCredentials | undefined
  readonly mode: NonNullable<PrepareOptions["mode"]>
  readonly buildChatRuntime: GatewayAppOptions["buildChatRuntime"]
  readonly logger: Logger
  readonly clock: Clock
  readonly ids: Ids
}

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

export async function startService(options: ServiceOptions): Promise<Service> {
  const { server, logger, clock } = options
  const store = await chooseStore(server, { clock, logger })
  try {
    return await startParts(options, store)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function startParts(options: ServiceOptions, store: Store): Promise<Service> {
  const { server, logger } = options
  const { log } = store
  const code = await openCodeExecution(server.codeExecution ?? false, {
    store: server.store,
    dockerSocket: options.settings.dockerSocket,
    isKept: async (sessionId) => (await log.session(sessionId)) !== null,
    logger,
  })
  try {
    return await startRest(options, store, code)
  } catch (error) {
    await code?.close()
    throw error
  }
}

async function startRest(
  options: ServiceOptions,
  store: Store,
  code: CodeExecutionService | null,
): Promise<Service> {
  const { server, chosen, mode, logger, clock, ids } = options
  const { log, keyring, approvals } = store
  const feed = new Feed()
  const committer = new Committer(log, logger)
  const agent = server.name ?? "agent"
  const hooks = createHookTracker(logger)
  const worker = new Worker({
    log,
    feed,
    committer,
    agents: [agent],
    resolveRuntime: runtimeResolver(options, {
      grants: (sessionId) => approvals.grants(sessionId),
      tracked: hooks,
      code,
    }),
    maxConcurrentRuns: server.maxConcurrentRuns ?? 1_000,
    clock,
    ids,
    logger,
  })
  const sessions = announcing(
    createSessions({ log, approvals, feed, worker, agent, clock, ids }),
    server,
    logger,
  )
  let accepting = true
  const app = createHttpApp({
    ...server,
    agent,
    sessions: server.redact === undefined ? sessions : redactedSessions(sessions, server.redact),
    keyring,
    clock,
    logger,
    version,
    readiness: () => readiness(store, accepting, code),
    openFile: async (sessionId, path) => code?.openFile(sessionId, path) ?? null,
    accepting: () => accepting,
    allowLocalhost: mode === "dev",
  })
  if (chosen.fallback) logger.warn({}, "no model is configured: the offline demo answers")
  await server.onStartup?.()
  await worker.start()
  const { sessionRetentionDays = 30 } = server
  const stopHousekeeping = startHousekeeping({ log, clock, logger, sessionRetentionDays })
  const listeners: (() => Promise<void>)[] = []

  return {
    sessions,
    keyring,
    logger,
    takesAnyKey: server.validApiKeys === undefined && server.authenticate === undefined,
    fetch: (request, bindings) => app.fetch(request, bindings),
    onClose: (stop) => listeners.push(stop),
    async close(graceMs) {
      accepting = false
      stopHousekeeping()
      await worker.stop({ graceMs })
      await code?.close()
      feed.close()
      await Promise.all(listeners.map((stop) => stop()))
      await committer.close()
      await hooks.settle()
      await store.close()
      await server.onShutdown?.()
    },
  }
}

interface RuntimeParts {
  readonly grants: Approvals["grants"]
  readonly tracked: HookTracker
  readonly code: CodeExecutionService | null
}

/** Asks `buildChatRuntime` and fills in what it leaves open. */
function runtimeResolver(
  { server, chosen, provider, settings, mode, resolveCredentials, buildChatRuntime, logger }: ServiceOptions,
  { grants, tracked, code }: RuntimeParts,
): ResolveRuntime {
  const providerFor = providerForSession(chosen, provider, settings, resolveCredentials)
  const { onUsage, onToolResult, onToolTiming, onEvent, allowedModels } = server
  const hooks = tracked.track(definedOnly<RunHooks>({ onUsage, onToolResult, onToolTiming, onEvent }))
  return async (request) => {
    const chat = await buildChatRuntime(request)
    const { session, model } = request
    const sessionProvider = await providerFor(session)
    const asksForModel = !("runner" in chat) && chat.provider === undefined
    if (asksForModel && sessionProvider === chosen.provider) refuseDemoInProduction(chosen, mode)
    return toAgentRuntime(chat, {
      provider: sessionProvider,
      model,
      allowedModels,
      hooks,
      grants,
      codeTools: (codeOptions) => code?.tools(codeOptions) ?? [],
      logger,
    })
  }
}

/** Tells `onSessionCreated`; a hook that throws is logged and changes nothing. */
function announcing(sessions: Sessions, { onSessionCreated }: ServerOptions, logger: Logger): Sessions {
  if (onSessionCreated === undefined) return sessions
  return {
    ...sessions,
    async create(principal) {
      const session = await sessions.create(principal)
      try {
        await onSessionCreated({ id: session.id, ...principal })
      } catch (error) {
        logger.error({ error, hook: "onSessionCreated", sessionId: session.id }, "a hook failed")
      }
      return session
    },
  }
}

async function readiness({ log }: Store, accepting: boolean, code: CodeExecutionService | null) {
  const check = await log.ping().then(
    () => ({ ok: true }),
    // Anyone may ask, and only the messages of our own errors are for anyone.
    (error: unknown) => ({ ok: false, ...(error instanceof GatewayError && { detail: error.message }) }),
  )
  return {
    ready: accepting && check.ok,
    checks: { store: check, ...(code !== null && { code_execution: { ok: true, detail: code.summary } }) },
  }
}
