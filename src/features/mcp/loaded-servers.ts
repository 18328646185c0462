import type { EventEntry } from "../../core/log/entries.ts"
import { createSessionFold } from "../../core/log/session-fold.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { PluginRun, PluginServices } from "../../core/ports/plugin.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import type { TransformedCall } from "../../core/ports/tools/transform-tool-result.ts"
import type { ServerConfig } from "./config/server-config.ts"

/** The servers whose tools one run is offered. */
export interface OfferedServers {
  isOffered(server: string): boolean
  /** Offers the servers that a local tool's result names, from the next model call on. */
  note(result: ToolResult, call: Pick<TransformedCall, "origin" | "toolName">): void
}

export interface LoadedServersParts extends Pick<PluginServices, "readEvents"> {
  readonly configs: readonly ServerConfig[]
  readonly logger: Logger
}

/**
 * Returns a function that finds the servers that a run is offered. A server with `onDemand` is offered once a result in
 * the log of the session, or of the session that started it, has loaded it. The role of a sub-agent may name it too.
 */
export function createLoadedServers({ configs, readEvents, logger }: LoadedServersParts) {
  const onDemand = new Set(configs.filter((config) => config.onDemand).map(({ name }) => name))
  const readLoaded = createSessionFold<ReadonlySet<string>>(readEvents, new Set(), (names, entry) => {
    const loaded = listLoaded(entry).filter((name) => onDemand.has(name))
    return loaded.length === 0 ? names : new Set([...names, ...loaded])
  })
  return async ({
    session,
    role,
    signal,
  }: Pick<PluginRun, "session" | "role" | "signal">): Promise<OfferedServers> => {
    if (onDemand.size === 0) return { isOffered: () => true, note: () => undefined }
    const { id, parent = null } = session ?? {}
    const sessions = [id, parent?.sessionId].filter((sessionId) => sessionId !== undefined)
    const read = await Promise.all(sessions.map((sessionId) => readLoaded(sessionId, { signal })))
    const loaded = new Set([...(role?.mcpServers ?? []), ...read.flatMap((names) => [...names])])
    return {
      isOffered: (server) => !onDemand.has(server) || loaded.has(server),
      note(result, { origin, toolName }) {
        const names = origin === null ? readNames(result) : []
        for (const name of names) loaded.add(name)
        const unknown = names.filter((name) => configs.every((config) => config.name !== name))
        if (unknown.length === 0) return
        const message =
          "A tool loaded MCP servers that the agent does not have. The run continues without them."
        logger.warn({ tool: toolName, servers: unknown, sessionId: id }, message)
      },
    }
  }
}

/** Returns the servers that an entry of the log loads. A server cannot load others. */
function listLoaded({ event }: EventEntry): readonly string[] {
  return event.type === "toolCallCompleted" && event.server === null ? readNames(event.result) : []
}

function readNames(result: ToolResult): readonly string[] {
  return result.type === "error" ? [] : (result.loadServers ?? [])
}
