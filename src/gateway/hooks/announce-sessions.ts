import type { Logger } from "../../core/ports/logger.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { UserCode } from "../agent/user-code.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"

/**
 * Calls `onSessionCreated` for each new session. If the hook fails, the failure is logged, and the session is kept.
 */
export function announceSessions(
  sessions: Sessions,
  { onSessionCreated }: ResolvedServer,
  { userCode, logger }: { readonly userCode: UserCode; readonly logger: Logger },
): Sessions {
  if (onSessionCreated === undefined) return sessions
  return {
    ...sessions,
    async create(principal, agent, id) {
      const session = await sessions.create(principal, agent, id)
      try {
        const created = { id: session.id, agent: session.agent, ...principal }
        await userCode.call("onSessionCreated", (signal) => onSessionCreated(created, { signal }))
      } catch (error) {
        const fields = { error, hook: "onSessionCreated", sessionId: session.id }
        logger.error(fields, "A hook failed. The session is kept.")
      }
      return session
    },
  }
}
