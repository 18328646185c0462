import type { Logger } from "../../core/ports/logger.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
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
  const announce = async ({ id, agent, tenant, userId }: Session) => {
    try {
      const created = { id, agent, tenant, userId }
      await userCode.call("onSessionCreated", (signal) => onSessionCreated(created, { signal }))
    } catch (error) {
      const fields = { error, hook: "onSessionCreated", sessionId: id }
      logger.error(fields, "A hook failed. The session is kept.")
    }
  }
  return {
    ...sessions,
    async create(principal, agent, options) {
      const session = await sessions.create(principal, agent, options)
      await announce(session)
      return session
    },
    async open(principal, agent, externalId, options) {
      const opened = await sessions.open(principal, agent, externalId, options)
      if (opened.isNew) await announce(opened.session)
      return opened
    },
  }
}
