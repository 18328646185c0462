import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { ConsoleAccess } from "../console/access.ts"
import { consolePath, createConsolePages } from "../console/console.ts"
import { createOperatorCookie } from "../console/operator-cookie.ts"
import type { ConsoleAgent } from "../console/routes/status.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Store } from "../core/ports/store/store.ts"
import { requireStorePart } from "../core/require-store-part.ts"
import type { Clock } from "../core/time/clock.ts"
import type { AddPages } from "../http/app.ts"
import { minKeyLength } from "../http/auth/api-keys.ts"
import type { RememberedRevocations } from "../http/auth/remember-revocations.ts"
import type { Operators } from "../http/operate/operators.ts"
import type { Readiness } from "../http/readiness.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { FindTitles } from "../operations/titles.ts"
import type { AgentService, ChosenAgent } from "./agent/agent-service.ts"
import type { PrepareOptions } from "./gateway.ts"
import { createGatewaySchedules, type ScheduleParts } from "./operate/schedules.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import { showConfiguration } from "./options/shown-configuration.ts"
import { packageVersion } from "./package-version.ts"

export interface ConsoleParts {
  readonly server: ResolvedServer
  readonly agents: readonly ChosenAgent[]
  readonly operators: Operators
  readonly revocations: RememberedRevocations
  readonly mode: PrepareOptions["mode"]
  /** Overrides the option of the same name. */
  readonly isAsked: boolean | undefined
  readonly sessions: Sessions
  readonly titles: FindTitles
  readonly store: Pick<Store, "directory" | "outbox" | "memory">
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
  const { server, agents, mode, isAsked, sessions, titles, store, schedules, services, readiness } = parts
  const { console: chosen = mode === "dev" } = server
  if (!(isAsked ?? chosen)) return null
  const access = chooseAccess(parts)
  const addPages = createConsolePages({
    access,
    folder: findBuiltFolder(),
    sessions,
    titles,
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

function chooseAccess({ operators, revocations, mode, clock }: ConsoleParts): ConsoleAccess {
  // The console on a developer's own machine needs no key, even if its servers do.
  if (mode === "dev") return { type: "loopback" }
  if (operators.keys.length === 0) {
    throw new ConfigurationError(
      `console: needs an operator key of at least ${minKeyLength} characters, for example from ` +
        `\`openssl rand -hex 24\`. Set AGENT_GATEWAY_OPERATOR_KEY or operatorKeys.`,
    )
  }
  return {
    type: "operator",
    operators,
    cookie: createOperatorCookie({ operators, revocations, clock, path: consolePath }),
  }
}

/** Returns the folder in the package, even if this file runs from its source. */
function findBuiltFolder(): string {
  const candidates = ["../console-page/", "../../dist/console-page/"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  return candidates.find(existsSync) ?? (candidates[0] as string)
}
