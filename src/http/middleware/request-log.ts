import type { MiddlewareHandler } from "hono"
import type { Logger } from "../../core/ports/logger.ts"

/** Logs one line for each request when its response starts. A stream continues after that line. */
export function logRequests(logger: Logger): MiddlewareHandler {
  return async (c, next) => {
    const startedAt = performance.now()
    await next()
    const durationMs = Math.round(performance.now() - startedAt)
    logger.info(
      { method: c.req.method, path: c.req.path, status: c.res.status, durationMs },
      "Responded to a request.",
    )
  }
}
