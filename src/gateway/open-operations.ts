import { isTerminal } from "../core/log/entries.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"
import type { Store } from "../core/ports/store/store.ts"
import { requireStorePart } from "../core/require-store-part.ts"
import { explainFailure } from "../core/runs/explain-failure.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { createCosts, type RunEnd } from "../operations/costs.ts"
import type { OperationParts } from "../operations/parts.ts"
import { createFirstMessageReader } from "../operations/read-first-message.ts"
import type { GatewayInfo } from "../operations/status.ts"
import { createTitles } from "../operations/titles.ts"
import { createMask } from "../platform/logging/mask.ts"
import type { AgentService, ChosenAgent } from "./agent/agent-service.ts"
import type { PrepareOptions } from "./gateway.ts"
import { createGatewaySchedules, type ScheduleParts } from "./operate/schedules.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import { showConfiguration } from "./options/shown-configuration.ts"
import { packageVersion } from "./package-version.ts"

export interface OperatedGateway {
  readonly server: ResolvedServer
  readonly agents: readonly ChosenAgent[]
  readonly services: readonly Pick<AgentService, "name" | "toolSources" | "sandboxes">[]
  readonly mode: PrepareOptions["mode"]
  readonly store: Pick<Store, "log" | "directory" | "outbox" | "memory">
  readonly sessions: Sessions
  readonly schedules: () => ScheduleParts
  readonly readiness: (forOperator: boolean) => Promise<Readiness>
}

/** Creates the parts of a gateway that the operations use. */
export function openOperations(gateway: OperatedGateway): OperationParts {
  const { server, agents, services, mode, store, sessions, schedules, readiness } = gateway
  const { log, directory } = store
  const mask = createMask(server.redact ?? [])
  const info: GatewayInfo = {
    version: packageVersion,
    prefix: server.prefix,
    mode: mode ?? "mounted",
    agents: agents.map(describeAgent),
  }
  return {
    directory,
    sessions,
    titles: createTitles(createFirstMessageReader(log, mask)),
    costs: createCosts({ directory, readEnd: createEndReader(log, mask) }),
    /** Also masks the nonces by which waits are answered. */
    async readEvents(sessionId, afterSeq, limit = pageOfEvents.limit) {
      const entries = await log.read(sessionId, { ...pageOfEvents, limit, afterSeq })
      return entries
        .filter((entry) => entry.kind === "event")
        .map((entry) => ({ ...entry, event: mask(entry.event) }))
    },
    schedules: createGatewaySchedules(async () => schedules()),
    memory: () => requireStorePart(store.memory, "memory", "the operations on memories"),
    outbox: store.outbox,
    toolSources: () =>
      services.flatMap(({ name, toolSources }) =>
        toolSources().map((source) => ({ agent: name, ...source })),
      ),
    sandboxes: () =>
      services.flatMap(({ name, sandboxes }) => sandboxes().map((reports) => ({ agent: name, reports }))),
    info: () => info,
    readiness,
    configuration: () =>
      showConfiguration(
        server,
        agents.map(({ definition }) => definition),
      ),
  }
}

function describeAgent({ definition, chosen }: ChosenAgent): GatewayInfo["agents"][number] {
  const { name, options, buildChatRuntime: chat } = definition
  const { memory } = options
  const hasOwnModel = typeof chat === "function" || "runner" in chat || chat.provider !== undefined
  return {
    name,
    allowedModels: options.allowedModels === undefined ? null : [...options.allowedModels],
    isDemo: chosen.name === "demo" && !hasOwnModel,
    memory: memory === false ? "off" : typeof memory === "object" && memory.perAgent ? "own" : "shared",
    firesSchedules: options.schedules !== undefined || options.allowSchedules !== false,
  }
}

const pageOfEvents = { limit: 500, maxCharacters: 1_000_000, deltas: false, replacedHistories: false }

/** Maximum characters of an error in a list. */
const maxError = 300

function createEndReader(log: SessionLog, mask: (text: string) => string) {
  return async (sessionId: string, runId: string): Promise<RunEnd | null> => {
    const endSeq = (await log.run(sessionId, runId))?.endSeq ?? null
    if (endSeq === null) return null
    const [entry] = await log.read(sessionId, { ...pageOfEvents, limit: 1, afterSeq: endSeq - 1 })
    if (entry?.kind !== "event" || !isTerminal(entry.event)) return null
    const { at, event } = entry
    const error =
      event.type === "runFailed"
        ? { code: event.code, message: mask(explainFailure(event)).slice(0, maxError) }
        : null
    return { at, cost: event.cost, error }
  }
}
