import { UnusableSchemaError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { SchemaCheck } from "../../../core/ports/tools/schema-check.ts"
import type { AnyAnswer } from "../../../core/wait.ts"
import type { InvalidAnswer } from "../sessions.ts"
import { addSchemaDefaults } from "./schema-defaults.ts"

/**
 * Returns the answer in its stored form, with the defaults of a form filled in. Returns an invalid answer if edited
 * arguments or a form do not match the schema of the wait, or if the answer has content that was not requested.
 */
export async function validateAnswer(
  checkSchema: SchemaCheck,
  wait: Wait,
  given: AnyAnswer,
): Promise<AnyAnswer | InvalidAnswer> {
  switch (given.kind) {
    case "approval": {
      const { editedInput } = given.answer
      return (editedInput === null ? null : await checkAgainstSchema(checkSchema, wait, editedInput)) ?? given
    }
    case "elicitation": {
      const { action, content } = given.answer
      if (wait.answerSchema === null || action !== "accept") {
        return content === null ? given : createInvalidAnswer("This answer must not have content.")
      }
      if (content === null) return createInvalidAnswer("The answer must have content that matches the form.")
      const filled = addSchemaDefaults(wait.answerSchema, content)
      const invalid = await checkAgainstSchema(checkSchema, wait, filled)
      return invalid ?? { kind: "elicitation", answer: { action, content: filled } }
    }
    case "clientTool":
    case "child":
      return given
    default:
      return given satisfies never
  }
}

/** Validates a value. If the schema cannot be used, no value is valid. An MCP server may have written the schema. */
async function checkAgainstSchema(
  checkSchema: SchemaCheck,
  { answerSchema, tenant, userId }: Wait,
  value: JsonObject,
): Promise<InvalidAnswer | null> {
  if (answerSchema === null) return null
  try {
    const outcome = await checkSchema(answerSchema, value, { owner: { tenant, userId } })
    return outcome.valid ? null : createInvalidAnswer(outcome.message)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return createInvalidAnswer(`The schema cannot be used: ${thrown.message}`)
  }
}

function createInvalidAnswer(message: string): InvalidAnswer {
  return { status: "invalid", message }
}
