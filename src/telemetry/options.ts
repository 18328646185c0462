import type { Logger } from "../core/ports/logger.ts"
import { declareOptions } from "../options/declare-options.ts"
import { anObject, texts } from "../options/schemas.ts"

/** Options of logs, and of the secrets that logs and clients are not shown. */
export interface TelemetryOptions {
  /** Default: JSON lines on standard error, without secrets. */
  readonly logger?: Logger
  /**
   * Names of fields that are secrets, in any spelling of case and separators. The default logger masks them, and so
   * do the arguments, results and live output of tool calls that clients are shown, and all of transcripts, along
   * with whatever looks like a key. The model and the tools have them as they are. Default: none, and only logs are
   * redacted.
   */
  readonly redact?: readonly string[]
}

export const telemetryOptions = declareOptions<TelemetryOptions>()({
  logger: anObject<Logger>().optional(),
  redact: texts.optional(),
})
