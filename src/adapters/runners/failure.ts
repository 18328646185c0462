import { GatewayError, toError } from "../../core/errors.ts"
import { readFields } from "./fields.ts"

/**
 * Converts a framework's error into the failure of a run. Its message may quote prompts and keys, so clients only
 * receive the kind of the error and the status of the provider. The log has the rest.
 */
export function createAgentError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const { name, message } = toError(thrown)
  const { status, statusCode = status } = readFields(thrown)
  const answered = typeof statusCode === "number" ? ` (a service answered ${statusCode})` : ""
  return new GatewayError({ code: "agent_failed", status: 500 }, `The agent failed: ${name}${answered}.`, {
    detail: message,
    cause: thrown,
  })
}
