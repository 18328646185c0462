import { GatewayError, toError } from "../core/errors.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"
import type { Store } from "../core/ports/store/store.ts"

/** Maximum milliseconds of a check, because a load balancer waits no longer for a response. */
const limitMs = 2_000

export interface StoreCheck {
  readonly ok: boolean
  readonly detail?: string
}

export interface CheckedStore extends Pick<Store, "missingTables"> {
  readonly log: Pick<SessionLog, "ping" | "liveness">
}

/**
 * Checks if this process can work with the store now. Resolves within two seconds. For operators, it also looks for
 * missing tables, and gives the reason of a failure.
 */
export async function checkStore(
  { log, missingTables }: CheckedStore,
  { isOperator }: { readonly isOperator: boolean },
): Promise<StoreCheck> {
  if (!log.liveness.isLive()) return { ok: false, detail: "The heartbeat of this process has lapsed." }
  const { promise: tooLate, resolve } = Promise.withResolvers<StoreCheck>()
  const timer = setTimeout(resolve, limitMs, {
    ok: false,
    detail: "The store did not respond within 2 seconds.",
  })
  const look = async (): Promise<StoreCheck> => {
    try {
      await log.ping()
      const missing = isOperator ? ((await missingTables?.()) ?? []) : []
      if (missing.length === 0) return { ok: true }
      return {
        ok: false,
        detail: `The store lacks tables: ${missing.join(", ")}. Restore a complete backup.`,
      }
    } catch (error) {
      return { ok: false, ...describeFailure(error, isOperator) }
    }
  }
  try {
    return await Promise.race([look(), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Anyone may read a check that is not for operators. Only messages of the gateway's own errors are safe for that. */
function describeFailure(error: unknown, isOperator: boolean): Pick<StoreCheck, "detail"> {
  if (error instanceof GatewayError) return { detail: (isOperator && error.detail) || error.message }
  return isOperator ? { detail: toError(error).message } : {}
}
