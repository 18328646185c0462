import { UnusableSchemaError } from "../core/errors.ts"
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
  return wait === null ? null : misfitBy(checkSchema, wait, wait.inputSchema, command.editedInput)
}

/**
 * The answer as it is to be stored: a form's with its defaults filled in. A misfit when the form's schema refuses it,
 * or when there is something filled in that nobody asked for.
 */
export async function fittingAnswer(
  { approvals, checkSchema }: MisfitOptions,
  command: ElicitationCommand,
): Promise<ElicitationCommand | Misfit> {
  const wait = await openWait(approvals, command)
  const question = wait?.question
  if (wait === null || question === undefined) return command
  if (question.mode === "url" || command.action !== "accept") {
    return command.content === null ? command : toMisfit("There is nothing to fill in with this answer.")
  }
  if (command.content === null) return toMisfit("The form is to be filled in.")
  const content = withDefaults(question.schema, command.content)
  const misfit = await misfitBy(checkSchema, wait, question.schema, content)
  return misfit ?? { ...command, content }
}

async function openWait(
  approvals: Approvals,
  { sessionId, toolCallId, nonce, at }: AnswerCommand,
): Promise<Wait | null> {
  const wait = await approvals.wait(sessionId, toolCallId)
  return wait?.state === "open" && wait.nonce === nonce && wait.expiresAt > at ? wait : null
}

/** No value fits a schema that cannot be used. An MCP server may have written it. */
async function misfitBy(
  checkSchema: SchemaCheck,
  { sessionId }: Wait,
  schema: JsonObject,
  value: JsonObject,
): Promise<Misfit | null> {
  try {
    const outcome = await checkSchema(schema, value, { source: "answers", sessionId })
    return outcome.valid ? null : toMisfit(outcome.message)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return toMisfit(`The schema cannot be used: ${thrown.message}`)
  }
}

function toMisfit(message: string): Misfit {
  return { status: "misfit", message }
}
