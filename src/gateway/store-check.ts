import { GatewayError } from "../core/errors.ts"
import type { SessionLog } from "../core/ports/store/session-log.ts"

/** Maximum milliseconds of a check, because a load balancer waits no longer for a response. */
const limitMs = 2_000

export interface StoreCheck {
  readonly ok: boolean
  /** Anyone can see it. */
  readonly detail?: string
}

/** Checks if this process can work with the store now. Resolves within two seconds. */
export async function checkStore({
  ping,
  liveness,
}: Pick<SessionLog, "ping" | "liveness">): Promise<StoreCheck> {
  if (!liveness.isLive()) return { ok: false, detail: "The heartbeat of this process has lapsed." }
  const { promise: tooLate, resolve } = Promise.withResolvers<StoreCheck>()
  const timer = setTimeout(resolve, limitMs, {
    ok: false,
    detail: "The store did not respond within 2 seconds.",
  })
  const answer = ping().then(
    (): StoreCheck => ({ ok: true }),
    // Anyone may read the response, and only the messages of the gateway's own errors are safe for that.
    (error: unknown) => ({ ok: false, ...(error instanceof GatewayError && { detail: error.message }) }),
  )
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
