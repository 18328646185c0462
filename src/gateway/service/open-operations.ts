import type { Readiness } from "../../core/ports/readiness.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { OperationParts } from "../../operations/parts.ts"
import type { GatewayInfo } from "../../operations/status.ts"
import type { OperatedTools } from "../../operations/tools.ts"
import { createMask } from "../../platform/logging/mask.ts"
import type { Agent } from "../agent/agent.ts"
import type { PrepareOptions } from "../gateway.ts"
import { createLogReaders } from "../operate/log-readers.ts"
import { createGatewaySchedules, type ScheduleParts } from "../operate/schedules.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { showConfiguration } from "../options/shown-configuration.ts"
import { packageVersion } from "../package-version.ts"
import type { OpenRequests } from "./open-requests.ts"

export interface OperatedGateway {
  readonly server: ResolvedServer
  readonly agents: readonly Agent[]
  readonly mode: PrepareOptions["mode"]
  readonly store: Pick<Store, "log" | "directory" | "outbox" | "memory" | "keptRequests">
  readonly sessions: Sessions
  readonly schedules: () => ScheduleParts
  readonly tools: OperatedTools
  readonly readiness: (forOperator: boolean) => Promise<Readiness>
  readonly requests: Pick<OpenRequests, "openReader">
}

/** Creates the parts of a gateway that the operations use. */
export function openOperations(gateway: OperatedGateway): OperationParts {
  const { server, agents, mode, store, sessions, schedules, tools, readiness, requests } = gateway
  const info: GatewayInfo = {
    version: packageVersion,
    prefix: server.prefix,
    mode: mode ?? "mounted",
    agents: agents.map(describeAgent),
  }
  return {
    directory: store.directory,
    sessions,
    ...createLogReaders(store, createMask(server.redact ?? [])),
    schedules: createGatewaySchedules(async () => schedules()),
    attempts: () => requests.openReader(),
    memory: () => requireStorePart(store.memory, "memory", "the operations on memories"),
    forgetRequests: async (owner) => store.keptRequests?.removeOf(owner),
    outbox: store.outbox,
    tools: () => tools,
    toolSources: () =>
      agents.flatMap(({ name, toolSources }) => toolSources().map((source) => ({ agent: name, ...source }))),
    sandboxes: () =>
      agents.flatMap(({ name, sandboxes }) => sandboxes().map((reports) => ({ agent: name, reports }))),
    info: () => info,
    readiness,
    configuration: () => showConfiguration(server, agents),
  }
}

function describeAgent(agent: Agent): GatewayInfo["agents"][number] {
  const { name, options, buildChatRuntime: chat, chosen } = agent
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
