import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import type { JsonObject } from "../core/json.ts"
import type { Approvals } from "../core/ports/approvals.ts"
import type { ApprovalCommand } from "../core/ports/session-log.ts"
import type { Misfit } from "./sessions.ts"

/**
 * Whether edited arguments are refused by the tool's schema, which is stored with the wait, so that any process can
 * tell. Null also when the answer has no chance anyway: the store then says why.
 */
export async function misfitOf(approvals: Approvals, command: ApprovalCommand): Promise<Misfit | null> {
  const { sessionId, toolCallId, nonce, editedInput } = command
  if (editedInput === null) return null
  const wait = await approvals.wait(sessionId, toolCallId)
  if (wait?.state !== "open" || wait.nonce !== nonce || wait.expiresAt <= command.at) return null
  const outcome = validatorOf(wait.inputSchema)(editedInput)
  return outcome.valid ? null : { status: "misfit", message: outcome.errorMessage }
}

function validatorOf(schema: JsonObject) {
  return new AjvJsonSchemaValidator().getValidator(schema)
}
