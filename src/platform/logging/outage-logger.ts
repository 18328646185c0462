import { StoreUnavailableError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"

/** Milliseconds without a failure after which an outage of the store is over. */
const quietMs = 10_000
/** Maximum messages that are counted apart. Their texts are constant. */
const maxMessages = 100

/**
 * Returns a logger that shortens the outages of the store. Everything that needs the store fails then, and each failed
 * request would log a stack. The logger writes the first line of each message, with the reason in place of the error,
 * and counts the others. It writes the counts when nothing has failed for ten seconds.
 */
export function shortenOutages(logger: Logger): Logger {
  const counts = new Map<string, number>()
  let startedAt = 0
  let failures = 0
  let timer: NodeJS.Timeout | null = null

  function end(): void {
    if (failures > 0) {
      failures = 0
      return
    }
    clearInterval(timer ?? undefined)
    timer = null
    const lines = Object.fromEntries([...counts].filter(([, count]) => count > 0))
    counts.clear()
    if (Object.keys(lines).length === 0) return
    const seconds = Math.round((performance.now() - startedAt - quietMs) / 1_000)
    logger.warn({ lines, seconds }, "The store was unavailable. These lines were only counted meanwhile.")
  }

  const shorten =
    (level: "warn" | "error"): Logger["warn"] =>
    (fields, message) => {
      const { error, ...others } = fields as { readonly error?: unknown }
      if (!(error instanceof StoreUnavailableError)) return logger[level](fields, message)
      if (timer === null) {
        startedAt = performance.now()
        timer = setInterval(end, quietMs).unref()
      }
      failures++
      const count = counts.get(message)
      if (count === undefined && counts.size < maxMessages) counts.set(message, 0)
      else counts.set(message, (count ?? 0) + 1)
      if (count === undefined) {
        const { code, detail = error.message } = error
        logger[level]({ code, ...others, reason: detail }, message)
      }
    }

  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: shorten("warn"),
    error: shorten("error"),
  }
}
