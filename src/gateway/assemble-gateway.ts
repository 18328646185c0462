import { readEnvironment } from "../adapters/providers/choose/environment.ts"
import { ConfigurationError, ShuttingDownError, StoreUnavailableError } from "../core/errors.ts"
import { randomIds } from "../core/ids.ts"
import { systemClock } from "../core/time/clock.ts"
import { mcpOptions } from "../features/mcp/options.ts"
import { compileSchema } from "../kernel/tools/input-schema.ts"
import { callByName, everyone } from "../operations/operations.ts"
import { guardLogger } from "../platform/logging/guard-logger.ts"
import { createLogger } from "../platform/logging/logger.ts"
import { shortenOutages } from "../platform/logging/outage-logger.ts"
import { pickOptions } from "../platform/options/resolve-options.ts"
import type { AgentDefinition } from "./agent/agent-definition.ts"
import { listWireClients } from "./built-in-wires.ts"
import type {
  CloseOptions,
  Gateway,
  GatewayRunResult,
  InferOutput,
  OutputSchema,
  PrepareOptions,
  RunOptions,
} from "./gateway.ts"
import { listen } from "./listen/listen.ts"
import { createGatewayMemory } from "./operate/memory.ts"
import { createGatewaySchedules } from "./operate/schedules.ts"
import { createGatewaySessions } from "./operate/sessions.ts"
import { createGatewayTools } from "./operate/tools.ts"
import { createWaits } from "./operate/waits.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import type { EndTasksParts } from "./runs/end-tasks.ts"
import type { FollowParts } from "./runs/follow-run.ts"
import { runOnce } from "./runs/run-once.ts"
import { streamRun } from "./runs/stream-run.ts"
import { type Service, startService } from "./service/service.ts"

export interface GatewayDefinition {
  readonly server: ResolvedServer
  /** The agents. The first one is the default. */
  readonly agents: readonly [AgentDefinition, ...AgentDefinition[]]
}

/** Assembles the gateway. Its service opens once, at the first use. If the start fails, the next use tries again. */
export function assembleGateway({ server, agents }: GatewayDefinition): Gateway {
  const closing = new AbortController()
  const open = async ({ mode, env = process.env, idle = false, console, log = {} }: PrepareOptions) => {
    const settings = readEnvironment(env)
    const level = mode === "dev" ? "debug" : "info"
    const logger = shortenOutages(
      server.logger === undefined || log.level === "silent"
        ? createLogger({ level, ...log, ...(server.redact && { redact: server.redact }) })
        : guardLogger(server.logger),
    )
    const { clock = systemClock, ids = randomIds } = server
    return startService({
      server,
      agents,
      settings,
      mode,
      idle,
      console,
      logger,
      clock,
      ids,
      closing: closing.signal,
    })
  }

  let service: Promise<Service> | null = null
  let closed: Promise<void> | null = null
  const startOnce = (options: PrepareOptions = {}): Promise<Service> => {
    if (closed !== null && service === null) return Promise.reject(new ShuttingDownError())
    service ??= Promise.resolve()
      .then(() => open(options))
      .catch((error: unknown) => {
        service = null
        throw error
      })
    return service
  }

  const close = async ({ graceMs = server.shutdownGraceMs }: CloseOptions) => {
    // A start in progress would otherwise wait for an `onStartup` that may never return.
    closing.abort(new ShuttingDownError())
    const opened = await service?.catch(() => null)
    await opened?.close(graceMs)
  }

  const followParts = async (): Promise<FollowParts & EndTasksParts> => {
    const { sessions, providerErrors, logger } = await startOnce()
    return { sessions, agents: agents.map(({ name }) => name), providerErrors, logger }
  }

  return {
    async prepare(options) {
      await startOnce(options)
    },
    async fetch(request, bindings) {
      const opened = await startOnce()
      // A mounted gateway has no other moment at which it is known to serve clients.
      opened.warnOfKeys()
      return opened.fetch(request, bindings)
    },
    async listen(options = {}) {
      if (closed !== null) throw new ShuttingDownError()
      return listen(await startOnce(), server, options)
    },
    async run<Schema extends OutputSchema>(message: string, { output, ...options }: RunOptions<Schema> = {}) {
      if (closed !== null) throw new ShuttingDownError()
      const schema = output === undefined ? undefined : compileSchema(output, "run: the output")
      const result = await runOnce(await followParts(), message, { ...options, schema }).catch(
        (error: unknown) => {
          // The closing gateway also closes its store. The run itself is kept, and resumes at the next start.
          throw error instanceof StoreUnavailableError ? (closing.signal.reason ?? error) : error
        },
      )
      // The schema returned the output, so the output has the type that the schema infers.
      return result as GatewayRunResult<InferOutput<Schema>>
    },
    stream(message, options = {}) {
      if (closed !== null) throw new ShuttingDownError()
      return streamRun(followParts, message, options)
    },
    async operate(name, input, { signal = new AbortController().signal } = {}) {
      const { operationParts } = await startOnce()
      return callByName(name, operationParts, input, { ...everyone, signal })
    },
    waits: createWaits(async () => (await startOnce()).sessions),
    tools: createGatewayTools(async () => (await startOnce()).tools),
    memory: createGatewayMemory({
      optionsOf: (agent) => findMemoryOptions(agents, agent),
      open: () => startOnce(),
    }),
    schedules: createGatewaySchedules(async () => (await startOnce()).schedules()),
    sessions: createGatewaySessions(async () => (await startOnce()).directory),
    agents: agents.map(({ name, options }) => ({ name, mcp: pickOptions(mcpOptions, options) })),
    wires: listWireClients(server.wires, server.prefix),
    async revokeSession(sessionId) {
      return (await startOnce()).sessions.revoke(sessionId)
    },
    async revokeUser({ tenant, userId }) {
      await (await startOnce()).revocations.revoke({ tenant, userId })
    },
    async rotateKeys() {
      if (server.jwtSecret !== undefined)
        throw new ConfigurationError(
          "rotateKeys() does not work with the option jwtSecret. To rotate that key, change jwtSecret and restart.",
        )
      const { id } = await (await startOnce()).keyring.rotate()
      return id
    },
    async removeKey(id) {
      return (await startOnce()).keyring.remove(id)
    },
    async readiness(options) {
      return (await startOnce()).readiness(options)
    },
    async probeModels({ signal = new AbortController().signal } = {}) {
      return (await startOnce()).probeModels(signal)
    },
    close(options = {}) {
      closed ??= close(options)
      return closed
    },
  }
}

/** Returns the option `memory` of the named agent, or of the default agent if none is named. */
function findMemoryOptions(agents: readonly AgentDefinition[], name: string | undefined) {
  const agent = name === undefined ? agents[0] : agents.find((each) => each.name === name)
  if (agent !== undefined) return agent.options.memory
  throw new ConfigurationError(`memory.of: the gateway serves no agent named ${name}.`)
}
