import { UnusableSchemaError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Wait } from "../../core/ports/approvals.ts"
import type { SchemaCheck } from "../../core/ports/schema-check.ts"
import type { AnyAnswer } from "../../core/wait.ts"
import type { Misfit } from "../sessions.ts"
import { withDefaults } from "./schema-defaults.ts"

/**
 * Returns the answer as it is to be stored: a form's with its defaults filled in. A misfit if the schema that is
 * stored with the wait refuses edited arguments or a form, or if there is something filled in that nobody asked for.
 */
export async function fittingAnswer(
  checkSchema: SchemaCheck,
  wait: Wait,
  given: AnyAnswer,
): Promise<AnyAnswer | Misfit> {
  switch (given.kind) {
    case "approval": {
      const { editedInput } = given.answer
      return (editedInput === null ? null : await misfitBy(checkSchema, wait, editedInput)) ?? given
    }
    case "elicitation": {
      const { action, content } = given.answer
      if (wait.answerSchema === null || action !== "accept") {
        return content === null ? given : toMisfit("There is nothing to fill in with this answer.")
      }
      if (content === null) return toMisfit("The form is to be filled in.")
      const filled = withDefaults(wait.answerSchema, content)
      const misfit = await misfitBy(checkSchema, wait, filled)
      return misfit ?? { kind: "elicitation", answer: { action, content: filled } }
    }
    case "clientTool":
    case "child":
      return given
    default:
      return given satisfies never
  }
}

/** No value fits a schema that cannot be used. An MCP server may have written it. */
async function misfitBy(
  checkSchema: SchemaCheck,
  { sessionId, answerSchema }: Wait,
  value: JsonObject,
): Promise<Misfit | null> {
  if (answerSchema === null) return null
  try {
    const outcome = await checkSchema(answerSchema, value, { source: "answers", sessionId })
    return outcome.valid ? null : toMisfit(outcome.message)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return toMisfit(`The schema cannot be used: ${thrown.message}`)
  }
}

function toMisfit(message: string): Misfit {
  return { status: "misfit", message }
}
