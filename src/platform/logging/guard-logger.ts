import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"

/**
 * Returns a logger that never throws. Log lines are written in the middle of error handling, where a failure of the
 * application's logger would leave a run open or end the process. The first failure becomes a process warning.
 */
export function guardLogger(logger: Logger): Logger {
  let hasFailed = false
  const report = (error: unknown) => {
    if (hasFailed) return
    hasFailed = true
    process.emitWarning(`The logger failed: ${toError(error).message} Its later failures are not reported.`)
  }
  const guard = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      const outcome: unknown = logger[level](fields, message)
      if (outcome instanceof Promise) outcome.catch(report)
    } catch (error) {
      report(error)
    }
  }
  return { debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") }
}
