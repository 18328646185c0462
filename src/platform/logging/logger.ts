import { pino } from "pino"
import type { Logger } from "../../core/ports/logger.ts"
import { escapeControls } from "../../core/text/escape-controls.ts"
import { formatReadableLine } from "./readable-line.ts"
import { createRedact } from "./redact.ts"

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent"

export interface LogDestination {
  write(line: string): unknown
  /** Returns true if the destination shows colors, as a terminal of Node does. */
  hasColors?(): boolean
}

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Receives each line. Default: standard error, so that standard output is left to the program. */
  readonly destination?: LogDestination
  /** `text` is for people, `json` for programs. Default: `text` on a terminal, and `json` elsewhere. */
  readonly form?: "json" | "text"
  /** Names of further fields whose values are secrets, whatever their case and separators. */
  readonly redact?: readonly string[]
}

/**
 * Creates a logger that writes lines of JSON, or of text for people, without secrets. It removes the values of fields
 * with secret names, and everything that looks like a key, from fields, messages, errors and their stacks. `error`
 * fields have their message, stack and cause.
 */
export function createLogger({
  level = "info",
  destination,
  form = destination === undefined && process.stderr.isTTY ? "text" : "json",
  redact: names = [],
}: LoggerOptions = {}): Logger {
  // The log is often read on a terminal, and servers and tools choose part of its text.
  const colors = (destination ?? process.stderr).hasColors?.() === true
  const streamWrite =
    form === "json" ? escapeControls : (line: string) => formatReadableLine(line, { colors })
  const redact = createRedact(names)
  return pino(
    {
      level,
      base: null,
      errorKey: "error",
      // The value was already copied into its final form.
      serializers: { error: (error: unknown) => error },
      hooks: {
        // It is only called for levels that are written.
        logMethod(args, write) {
          write.apply(this, args.map(redact) as typeof args)
        },
        streamWrite,
      },
    },
    destination ?? pino.destination(2),
  )
}
