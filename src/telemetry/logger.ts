import { type DestinationStream, pino } from "pino"
import type { Logger } from "../core/ports/logger.ts"

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent"

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Default: standard error, so that standard output stays the program's own. */
  readonly destination?: DestinationStream
}

/** JSON lines by pino. `error` fields are written with their message, stack and cause. */
export function createLogger({
  level = "info",
  destination = pino.destination(2),
}: LoggerOptions = {}): Logger {
  const serializers = { error: pino.stdSerializers.errWithCause }
  return pino({ level, base: null, errorKey: "error", serializers }, destination)
}
