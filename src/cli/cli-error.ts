import { inspect } from "node:util"
import { GatewayError, toError } from "../core/errors.ts"
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

/** The command was called wrongly. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, { exitCode: exitCodes.usage })
    this.name = "UsageError"
  }
}

const maxLength = 2000

/**
 * One line for the person at the terminal; with `verbose` everything there is, stack and causes included.
 * Whoever runs the command also reads the log, so the detail that callers never see is shown.
 */
export function describeFailure(thrown: unknown, verbose: boolean): string {
  if (verbose) return `agent-gateway: ${inspect(thrown)}\n`
  const error = toError(thrown)
  const detail = error instanceof GatewayError ? (error.detail ?? messageOf(error.cause)) : undefined
  const text =
    detail === undefined || error.message.includes(detail) ? error.message : `${error.message} (${detail})`
  return `agent-gateway: ${oneLine(text) || error.name}\n`
}

export function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, " ")
    .slice(0, maxLength)
}

function messageOf(cause: unknown): string | undefined {
  return cause === undefined ? undefined : toError(cause).message
}
