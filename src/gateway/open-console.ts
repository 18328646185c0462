import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { EnvironmentSettings } from "../adapters/providers/choose/environment.ts"
import type { ConsoleAccess } from "../console/access.ts"
import { consolePath, createConsolePages } from "../console/console.ts"
import type { RunEnd } from "../console/costs.ts"
import { createOperatorCookie } from "../console/operator-cookie.ts"
import { createFirstMessageReader } from "../console/read-first-message.ts"
import type { ConsoleAgent } from "../console/routes/status.ts"
import { ConfigurationError } from "../core/errors.ts"
import { isTerminal } from "../core/log/entries.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"
import type { Store } from "../core/ports/store/store.ts"
import { requireStorePart } from "../core/require-store-part.ts"
import { explainFailure } from "../core/runs/explain-failure.ts"
import type { Clock } from "../core/time/clock.ts"
import type { AddPages } from "../http/app.ts"
import { minKeyLength } from "../http/auth/api-keys.ts"
import type { Readiness } from "../http/readiness.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { createMask } from "../platform/logging/mask.ts"
import type { AgentService, ChosenAgent } from "./agent/agent-service.ts"
import type { PrepareOptions } from "./gateway.ts"
import { createGatewaySchedules, type ScheduleParts } from "./operate/schedules.ts"
import type { ConsoleOptions } from "./options/console-options.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import { showConfiguration } from "./options/shown-configuration.ts"
import { packageVersion } from "./package-version.ts"

export interface ConsoleParts {
  readonly server: ResolvedServer
  readonly agents: readonly ChosenAgent[]
  readonly settings: EnvironmentSettings
  readonly mode: PrepareOptions["mode"]
  /** Overrides the option of the same name. */
  readonly isAsked: boolean | undefined
  readonly sessions: Sessions
  readonly store: Pick<Store, "log" | "directory" | "outbox" | "memory">
  readonly schedules: () => ScheduleParts
  readonly services: readonly Pick<AgentService, "name" | "toolSources" | "sandboxes">[]
  readonly readiness: () => Promise<Readiness>
  readonly clock: Clock
}

/** The console's pages, and who may use them. */
export interface OpenConsole {
  readonly addPages: AddPages
  readonly access: ConsoleAccess["type"]
}

/** Opens the console. Returns null if the console is off, which is the default except for `dev`. */
export function openConsole(parts: ConsoleParts): OpenConsole | null {
  const { server, agents, mode, isAsked, sessions, store, schedules, services, readiness } = parts
  const { console: chosen = mode === "dev" } = server
  if (!(isAsked ?? chosen)) return null
  const access = chooseAccess(typeof chosen === "object" ? chosen : {}, parts)
  const addPages = createConsolePages({
    access,
    folder: findBuiltFolder(),
    sessions,
    directory: store.directory,
    outbox: store.outbox,
    memory: () => requireStorePart(store.memory, "memory", "the page of memories"),
    schedules: createGatewaySchedules(async () => schedules()),
    toolSources: () =>
      services.flatMap(({ name, toolSources }) =>
        toolSources().map((source) => ({ agent: name, ...source })),
      ),
    sandboxes: () =>
      services.flatMap(({ name, sandboxes }) => sandboxes().map((reports) => ({ agent: name, reports }))),
    readEnd: readEnd(store.log, createMask(server.redact ?? [])),
    readEvents: readEvents(store.log, server.redact),
    readFirstMessage: createFirstMessageReader(store.log, createMask(server.redact ?? [])),
    readiness,
    configuration: () =>
      showConfiguration(
        server,
        agents.map(({ definition }) => definition),
      ),
    info: {
      version: packageVersion,
      prefix: server.prefix,
      mode: mode ?? "mounted",
      agents: agents.map(describeAgent),
    },
  })
  return { addPages, access: access.type }
}

function describeAgent({ definition, chosen }: ChosenAgent): ConsoleAgent {
  const { name, options, buildChatRuntime: chat } = definition
  const { memory } = options
  const hasOwnModel = typeof chat === "function" || "runner" in chat || chat.provider !== undefined
  return {
    name,
    allowedModels: options.allowedModels ?? null,
    isDemo: chosen.name === "demo" && !hasOwnModel,
    memory: memory === false ? "off" : typeof memory === "object" && memory.perAgent ? "own" : "shared",
    firesSchedules: options.schedules !== undefined || options.allowSchedules !== false,
  }
}

function chooseAccess(
  { operatorKey: own }: ConsoleOptions,
  { settings, mode, clock }: ConsoleParts,
): ConsoleAccess {
  // The console on a developer's own machine needs no key, even if its servers do.
  const operatorKey = own ?? settings.operatorKey
  if (mode === "dev") return { type: "loopback" }
  if (operatorKey === undefined || operatorKey.length < minKeyLength) {
    throw new ConfigurationError(
      `console: needs an operator key of at least ${minKeyLength} characters, for example from ` +
        `\`openssl rand -hex 24\`. Set AGENT_GATEWAY_OPERATOR_KEY, or console: { operatorKey }.`,
    )
  }
  return { type: "operator", cookie: createOperatorCookie({ operatorKey, clock, path: consolePath }) }
}

const pageOfEvents = { limit: 500, maxCharacters: 1_000_000, deltas: false, replacedHistories: false }

/** Maximum characters of an error in a list. */
const maxError = 300

function readEnd(log: SessionLog, mask: (text: string) => string) {
  return async (sessionId: string, runId: string): Promise<RunEnd | null> => {
    const endSeq = (await log.run(sessionId, runId))?.endSeq ?? null
    if (endSeq === null) return null
    const [entry] = await log.read(sessionId, { ...pageOfEvents, limit: 1, afterSeq: endSeq - 1 })
    if (entry?.kind !== "event" || !isTerminal(entry.event)) return null
    const { at, event } = entry
    const error = event.type === "runFailed" ? `${event.code}: ${explainFailure(event)}` : null
    return { at, cost: event.cost, error: error === null ? null : mask(error).slice(0, maxError) }
  }
}

/** Returns a reader of events for operators. It masks secrets and the nonces by which waits are answered. */
function readEvents(log: SessionLog, redact: readonly string[] = []) {
  const mask = createMask(redact)
  return async (sessionId: string, afterSeq: number, limit = pageOfEvents.limit) => {
    const entries = await log.read(sessionId, { ...pageOfEvents, limit, afterSeq })
    return entries
      .filter((entry) => entry.kind === "event")
      .map((entry) => ({ ...entry, event: mask(entry.event) }))
  }
}

/** Returns the folder in the package, even if this file runs from its source. */
function findBuiltFolder(): string {
  const candidates = ["../console-page/", "../../dist/console-page/"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  return candidates.find(existsSync) ?? (candidates[0] as string)
}
