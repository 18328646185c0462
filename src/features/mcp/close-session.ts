import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { ServerHandle } from "./server.ts"

/** Milliseconds of the calls for one session. */
export const closeSessionMs = 30_000

/**
 * Calls the tool `SERVER_close_session` of the servers whose tools receive the session's id, if they have it, because
 * the session was removed. Rejects if a server is not available. An error that the tool returns is logged.
 */
export async function closeSession(
  servers: readonly Pick<ServerHandle, "config" | "state" | "tools" | "use">[],
  sessionId: string,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  for (const server of servers) {
    const { config, state, tools } = server
    if (!config.injectsSession) continue
    const name = `${config.name}_close_session`
    if (!tools.some((tool) => tool.name === name)) {
      // Nothing is known of a server that has never listed its tools.
      if (state.status !== "ready" && tools.length === 0) throw createUnavailable(config.name)
      continue
    }
    const request = { name, arguments: { _session_id: sessionId } }
    const { isError } = await server.use((client) => client.callTool(request, { signal }), signal)
    if (isError !== true) continue
    const message = "An MCP server did not close a removed session. The gateway does not repeat the call."
    logger.warn({ server: config.name, tool: name, sessionId }, message)
  }
}

function createUnavailable(server: string): GatewayError {
  return new GatewayError(
    { code: "mcp_unavailable", status: 503, retryable: true },
    `The MCP server ${server} is not available.`,
  )
}
