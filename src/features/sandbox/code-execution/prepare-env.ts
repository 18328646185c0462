import { GatewayError, toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import type { ExecutionContext, PrepareEnv } from "./options.ts"

/** Maximum bytes of the variables of one execution. Each is an argument of the program that starts the code. */
const maxBytes = 65_536
const namePattern = /^[A-Za-z_]\w*$/

export interface PrepareEnvParts {
  readonly prepareEnv: PrepareEnv | null
  readonly callbackTimeoutMs: number
  readonly logger: Logger
}

/**
 * Calls the application for the variables of one execution. Throws `environment_failed` if it fails, takes too long,
 * or returns anything except texts by names. The reason is for the log, because it may quote a secret.
 */
export async function prepareExecutionEnv(
  { prepareEnv, callbackTimeoutMs, logger }: PrepareEnvParts,
  execution: ExecutionContext,
): Promise<Readonly<Record<string, string>>> {
  if (prepareEnv === null) return {}
  const { signal, ...context } = execution
  const bounds = { name: "codeExecution.prepareEnv", signal, timeoutMs: callbackTimeoutMs }
  try {
    const env = await callBounded((stop) => prepareEnv({ ...context, signal: stop }), bounds)
    requireVariables(env)
    return { ...env }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    const error = toError(thrown)
    logger.error({ error, sessionId: context.session.id }, "prepareEnv failed, so the code did not run.")
    throw new GatewayError(
      { code: "environment_failed", status: 500 },
      "The environment of the code could not be prepared, so the code did not run. Try again later, or continue " +
        "without code.",
      { cause: error },
    )
  }
}

function requireVariables(env: unknown): void {
  const variables = Object.entries(Object(env))
  const areTexts = variables.every(
    ([name, value]) => namePattern.test(name) && typeof value === "string" && !value.includes("\0"),
  )
  const bytes = Buffer.byteLength(variables.flat().join(""))
  if (typeof env === "object" && env !== null && areTexts && bytes <= maxBytes) return
  throw new Error(
    `codeExecution.prepareEnv must return an object of texts without NUL characters, by names of variables, with at ` +
      `most ${maxBytes} bytes together.`,
  )
}
