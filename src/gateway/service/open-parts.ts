import { chooseProvider } from "../../adapters/providers/choose/choose-provider.ts"
import type { EnvironmentSettings } from "../../adapters/providers/choose/environment.ts"
import { ConfigurationError } from "../../core/errors.ts"
import type { Ids } from "../../core/ids.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Store } from "../../core/ports/store/store.ts"
import type { Clock } from "../../core/time/clock.ts"
import { createStorage, type Storage } from "../../kernel/sessions/storage.ts"
import { createImageExaminer } from "../../kernel/tools/images/image-examiner.ts"
import { createImagePreparation } from "../../kernel/tools/images/prepare-images.ts"
import { createSchemaChecker, type SchemaChecker } from "../../kernel/tools/schema-check/schema-checker.ts"
import { type Agent, openAgent } from "../agent/agent.ts"
import type { AgentDefinition } from "../agent/agent-definition.ts"
import { mayGuess } from "../agent/guessed-model.ts"
import { followUserCode, type UserCode } from "../agent/user-code.ts"
import type { PrepareOptions } from "../gateway.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { LivePlace } from "../plugins/live-parts.ts"
import type { Closers } from "./closers.ts"
import { openStore } from "./open-store.ts"
import { type PauseWatch, pausedDetail, watchPause } from "./paused-store.ts"

export interface ServiceOptions {
  readonly server: ResolvedServer
  /** The agents. The first one is the default. */
  readonly agents: readonly [AgentDefinition, ...AgentDefinition[]]
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

/** The parts that everything else of a gateway uses. */
export interface OpenedParts {
  readonly store: Store
  readonly clock: Clock
  readonly pause: PauseWatch
  readonly storage: Storage
  readonly agents: readonly Agent[]
  readonly live: LivePlace
  readonly schemas: SchemaChecker
  readonly userCode: UserCode
  readonly closers: Closers
}

/** Opens the parts. They are closed by `closers`, also if one of them cannot open. */
export async function openParts(options: ServiceOptions, closers: Closers): Promise<OpenedParts> {
  const { server, settings, mode, ids, logger, closing } = options
  const chosen = await Promise.all(
    options.agents.map(async (definition) => ({
      definition,
      provider: await chooseProvider(definition.provider, { settings, mayGuess: mayGuess(mode) }),
    })),
  )
  const store = await openStore(server, { clock: options.clock, logger })
  closers.add("store", () => store.close())
  const { clock = options.clock } = store
  const schemas = createSchemaChecker()
  closers.add("parts", () => schemas.close())
  const images = createImageExaminer()
  closers.add("parts", () => images.close())
  const storage = createStorage({ log: store.log, clock, bounds: server.limits })
  const userCode = followUserCode({ callbackTimeoutMs: server.callbackTimeoutMs, logger })
  closers.add("parts", () => userCode.settle())
  const live = new LivePlace()
  const agents: Agent[] = []
  for (const { definition, provider } of chosen) {
    const opened = await openAgent(definition, provider, {
      server,
      isDefault: definition === options.agents[0],
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
      ids,
      logger,
      closing,
    })
    closers.add("parts", () => opened.close())
    agents.push(opened)
  }
  const failed = new AbortController()
  closers.add("start", () => failed.abort())
  const pause = await watchPause(store.pause, { logger, signal: AbortSignal.any([closing, failed.signal]) })
  if (pause.isPaused && mode === "run") throw new ConfigurationError(pausedDetail)
  return { store, clock, pause, storage, agents, live, schemas, userCode, closers }
}
