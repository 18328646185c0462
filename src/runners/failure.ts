import { GatewayError, toError } from "../core/errors.ts"
import { fieldsOf } from "./fields.ts"

/**
 * Returns a framework's error as the failure of a run. Their messages may quote prompts and keys, so clients are told
 * the kind of the error and the status of the service behind it, and the log has the rest.
 */
export function agentFailure(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const { name, message } = toError(thrown)
  const { status, statusCode = status } = fieldsOf(thrown)
  const answered = typeof statusCode === "number" ? ` (a service answered ${statusCode})` : ""
  return new GatewayError({ code: "agent_failed", status: 500 }, `The agent failed: ${name}${answered}.`, {
    detail: message,
    cause: thrown,
  })
}
