import type { MiddlewareHandler } from "hono"
import type { Logger } from "../core/ports/logger.ts"

/** Writes one line for each request once its response starts. A stream goes on after that line. */
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
