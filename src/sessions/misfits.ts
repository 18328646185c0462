import { toError } from "../core/errors.ts"
import type { JsonObject } from "../core/json.ts"
import type { Approvals, Wait } from "../core/ports/approvals.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import type { AnswerCommand, ApprovalCommand, ElicitationCommand } from "../core/ports/session-log.ts"
import { withDefaults } from "./schema-defaults.ts"
import type { Misfit } from "./sessions.ts"

export interface MisfitOptions {
  readonly approvals: Approvals
  readonly checkSchema: SchemaCheck
}

/**
 * Whether edited arguments are refused by the tool's schema, which is stored with the wait, so that any process can
 * tell. Null also when the answer has no chance anyway: the store then says why.
 */
export async function misfitOf(
  { approvals, checkSchema }: MisfitOptions,
  command: ApprovalCommand,
): Promise<Misfit | null> {
  if (command.editedInput === null) return null
  const wait = await openWait(approvals, command)
  return wait === null ? null : misfitBy(checkSchema, wait.inputSchema, command.editedInput)
}

/**
 * The answer as it is to be stored: a form's with its defaults filled in. A misfit when the form's schema refuses it,
 * or when there is something filled in that nobody asked for.
 */
export async function fittingAnswer(
  { approvals, checkSchema }: MisfitOptions,
  command: ElicitationCommand,
): Promise<ElicitationCommand | Misfit> {
  const question = (await openWait(approvals, command))?.question
  if (question === undefined) return command
  if (question.mode === "url" || command.action !== "accept") {
    return command.content === null ? command : misfit("There is nothing to fill in with this answer.")
  }
  if (command.content === null) return misfit("The form is to be filled in.")
  const content = withDefaults(question.schema, command.content)
  return misfitBy(checkSchema, question.schema, content) ?? { ...command, content }
}

async function openWait(
  approvals: Approvals,
  { sessionId, toolCallId, nonce, at }: AnswerCommand,
): Promise<Wait | null> {
  const wait = await approvals.wait(sessionId, toolCallId)
  return wait?.state === "open" && wait.nonce === nonce && wait.expiresAt > at ? wait : null
}

/** A schema that cannot be used fits nothing: what an MCP server asks with is its own affair. */
function misfitBy(checkSchema: SchemaCheck, schema: JsonObject, value: JsonObject): Misfit | null {
  try {
    const outcome = checkSchema(schema, value)
    return outcome.valid ? null : misfit(outcome.message)
  } catch (thrown) {
    return misfit(`The schema cannot be used: ${toError(thrown).message}`)
  }
}

function misfit(message: string): Misfit {
  return { status: "misfit", message }
}
