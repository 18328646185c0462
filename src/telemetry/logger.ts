import { pino } from "pino"
import type { Logger } from "../core/ports/logger.ts"
import { escapeControls } from "../core/text/escape-controls.ts"
import { readableLine } from "./readable-line.ts"
import { createRedact } from "./redact.ts"

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent"

export interface LogDestination {
  write(line: string): void
}

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Receives each line. Default: standard error, so that standard output stays the program's own. */
  readonly destination?: LogDestination
  /** `text` is for people, `json` for programs. Default: `text` on a terminal, and `json` elsewhere. */
  readonly form?: "json" | "text"
  /** Names of further fields whose values are secrets, in any spelling of case and separators. */
  readonly redact?: readonly string[]
}

/**
 * Writes lines of JSON, or of text for people, without secrets: values of fields whose names tell that they are secret,
 * and whatever looks like a key, are taken out of fields, messages, errors and their stacks. `error` fields are written
 * with their message, stack and cause.
 */
export function createLogger({
  level = "info",
  destination,
  form = destination === undefined && process.stderr.isTTY ? "text" : "json",
  redact: names = [],
}: LoggerOptions = {}): Logger {
  // A terminal is a usual reader of the log, and servers and tools choose part of its text.
  const colors = destination === undefined && process.stderr.hasColors?.() === true
  const streamWrite = form === "json" ? escapeControls : (line: string) => readableLine(line, { colors })
  const redact = createRedact(names)
  return pino(
    {
      level,
      base: null,
      errorKey: "error",
      // Already copied as it is to be written.
      serializers: { error: (error: unknown) => error },
      hooks: {
        // Only called for levels that are written.
        logMethod(args, write) {
          write.apply(this, args.map(redact) as typeof args)
        },
        streamWrite,
      },
    },
    destination ?? pino.destination(2),
  )
}
