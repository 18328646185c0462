import { inspect } from "node:util"
import { GatewayError, toError } from "../core/errors.ts"
import { suggestOption } from "./command-words.ts"
import { exitCodes } from "./exit-codes.ts"

/** Ends the command with one line on stderr. */
export class CliError extends Error {
  readonly exitCode: number

  constructor(message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = "CliError"
    this.exitCode = options.exitCode ?? exitCodes.failure
  }
}

/** The command line has a mistake. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, { exitCode: exitCodes.usage })
    this.name = "UsageError"
  }
}

/** Parses arguments. Converts an error of the parser into a `UsageError`, with a hint for a misspelled option. */
export function parseUsage<Parsed>(command: string, parse: () => Parsed): Parsed {
  try {
    return parse()
  } catch (thrown) {
    // Node then explains arguments that start with a dash, which is rarely the mistake.
    const [problem = ""] = toError(thrown).message.split(". To specify a positional argument")
    const [, option] = /^Unknown option '(--[^']+)'/.exec(problem) ?? []
    const hint = option === undefined ? "" : suggestOption(command, option)
    throw new UsageError(`${problem}${hint} (see agent-gateway ${command} --help)`)
  }
}

/** Maximum characters of a printed line. `approvals list` allows more. */
const maxLength = 2000

/**
 * Returns one line for the person at the terminal, and with `verbose` the whole error with stack and causes. It
 * includes the detail that callers never see, because a person who runs the command can also read the log.
 */
export function describeFailure(thrown: unknown, verbose: boolean): string {
  return `agent-gateway: ${verbose ? inspect(thrown) : formatFailure(thrown)}\n`
}

/** Returns the same line without the program's name. */
export function formatFailure(thrown: unknown): string {
  const error = toError(thrown)
  const detail = error instanceof GatewayError ? (error.detail ?? findMessage(error.cause)) : undefined
  const text =
    detail === undefined || error.message.includes(detail) ? error.message : `${error.message} (${detail})`
  return formatAsLine(text) || error.name
}

/** Joins the lines of the text. A longer text is truncated, with a note of how much is missing. */
export function formatAsLine(text: string, limit = maxLength): string {
  const line = text.trim().replace(/\s*[\n\r\u2028\u2029]\s*/g, " ")
  return line.length <= limit ? line : `${line.slice(0, limit)}… [${line.length - limit} more characters]`
}

function findMessage(cause: unknown): string | undefined {
  return cause === undefined ? undefined : toError(cause).message
}
