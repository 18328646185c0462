import { ConfigurationError, toError } from "../../core/errors.ts"
import type { ContentPart } from "../../core/history/messages.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Plugin, PluginRun, PluginServices } from "../../core/ports/plugin.ts"
import type { Memory } from "../../core/ports/store/memory.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import type { DataBlock } from "../../core/text/data-block.ts"
import { createBackground, createQuery } from "./background.ts"
import { createMemories, type Memories } from "./memories.ts"
import { type MemoryOptions, resolveMemorySettings } from "./options.ts"
import { createMemoryRoutes } from "./routes.ts"
import { createMemoryTools } from "./tools.ts"

const instruction =
  "You have a memory of this user, which outlives the conversation. Recall with memory_recall what may help, and " +
  "store with memory_store what will matter in later conversations."

/** Creates the plugin that gives an agent a memory of each of its users. */
export function memoryPlugin(options: MemoryOptions = {}): Plugin {
  const settings = resolveMemorySettings(options)
  return {
    name: "memory",
    setup(services) {
      requireKnownUsers(services)
      const { agent, logger, stores } = services
      const store = requireStorePart(stores.memory, "memory", "memory")
      const createMemoriesOf = ({ tenant, userId }: Principal) =>
        createMemories(
          { tenant, userId, agent: settings.perAgent ? agent : null },
          { store, settings, logger },
        )
      const stopPruning = pruneOnSchedule(store, logger)
      return {
        openRun: async ({ session, message, maxToolResultBytes, signal }) => {
          // The holder of an API key named no user.
          if (session?.userId === "") return {}
          const tools = createMemoryTools({
            memoriesOf: createMemoriesOf,
            maxResultBytes: maxToolResultBytes,
          })
          const parts = { tools: () => tools, instructions: [instruction] }
          if (session === null || settings.recallAtStart === 0) return parts
          const background = await recallMemories(message, createMemoriesOf(session), {
            limit: settings.recallAtStart,
            signal,
            logger,
          })
          return background === null ? parts : { ...parts, background: [background] }
        },
        routes: createMemoryRoutes(createMemoriesOf),
        close: stopPruning,
      }
    },
  }
}

/** Recalls memories. If this fails, the run continues without them. */
async function recallMemories(
  message: readonly ContentPart[],
  memories: Memories,
  {
    limit,
    signal,
    logger,
  }: Pick<PluginRun, "signal"> & { readonly limit: number } & Pick<PluginServices, "logger">,
): Promise<DataBlock | null> {
  const query = createQuery(message)
  if (query === "") return null
  try {
    return createBackground(await memories.recall({ query, limit }, { signal }))
  } catch (error) {
    signal.throwIfAborted()
    logger.warn({ error: toError(error) }, "Memories could not be recalled. The run starts without them.")
    return null
  }
}

function requireKnownUsers({ knowsUsers }: PluginServices): void {
  if (knowsUsers) return
  throw new ConfigurationError(
    "The option memory needs validApiKeys or authenticate. While any API key is accepted, anyone could read the " +
      "memories of another user by claiming to be that user.",
  )
}

const intervalMs = 10 * 60_000
/** Maximum memories that one statement deletes. */
const slice = 200
/** Maximum number of slices in one round. */
const maxSlices = 50

/** Deletes expired memories every ten minutes. Returns a function that stops this and waits for the current round. */
function pruneOnSchedule(store: Memory, logger: Logger): () => Promise<void> {
  let pruning: Promise<void> | null = null
  let isStopped = false
  const prune = async () => {
    try {
      for (let slices = 0; slices < maxSlices && !isStopped; slices++) {
        if ((await store.prune(slice)) < slice) return
      }
    } catch (error) {
      logger.warn(
        { error: toError(error) },
        "Deleting expired memories failed. The gateway tries again in ten minutes.",
      )
    } finally {
      pruning = null
    }
  }
  const timer = setInterval(() => {
    pruning ??= prune()
  }, intervalMs)
  timer.unref()
  return async () => {
    isStopped = true
    clearInterval(timer)
    await pruning
  }
}
