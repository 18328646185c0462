import type { OutboxHandler, RemovedSession } from "../../core/ports/store/outbox.ts"
import type { SessionHooks } from "./hooks.ts"

/** Kind of the outbox items that report expired sessions. Kinds of plugins have slashes. */
export const expiredSessionKind = "sessionExpired"

/** Returns the handler that calls the application's hook. Returns no handler if the application has no such hook. */
export function createExpiredSessionHandler({
  onSessionExpired,
  callbackTimeoutMs: timeoutMs,
}: SessionHooks & { readonly callbackTimeoutMs: number }): readonly (readonly [string, OutboxHandler])[] {
  if (onSessionExpired === undefined) return []
  const handler: OutboxHandler = {
    timeoutMs,
    async deliver({ sessionId, payload }, options) {
      // The store wrote the payload, so its form is known.
      const session = payload as unknown as RemovedSession
      await onSessionExpired({ id: `${sessionId}:expired`, sessionId, ...session }, options)
    },
  }
  return [[expiredSessionKind, handler]]
}
