import type { Logger } from "../../core/ports/logger.ts"
import { declareOptions } from "../options/declare-options.ts"
import { createObjectSchema, texts } from "../options/schemas.ts"

/** Options of logs, and of the secrets that are hidden from logs and clients. */
export interface TelemetryOptions {
  /** Default: JSON lines on standard error, without secrets. */
  readonly logger?: Logger
  /**
   * Names of fields that are secrets, whatever their case and separators. The default logger masks them. They are
   * also masked in the arguments, results and live output of tool calls for clients, and in transcripts, together
   * with everything that looks like a key. The model and the tools receive the original values. Default: none, and
   * only logs are redacted.
   */
  readonly redact?: readonly string[]
}

export const telemetryOptions = declareOptions<TelemetryOptions>()({
  logger: createObjectSchema<Logger>().optional(),
  redact: texts.optional(),
})
