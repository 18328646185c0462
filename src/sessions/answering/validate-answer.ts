import { UnusableSchemaError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Wait } from "../../core/ports/approvals.ts"
import type { SchemaCheck } from "../../core/ports/schema-check.ts"
import type { AnyAnswer } from "../../core/wait.ts"
import type { InvalidAnswer } from "../sessions.ts"
import { withDefaults } from "./schema-defaults.ts"

/**
 * Returns the answer as it is to be stored, with the defaults of a form filled in. Returns an invalid answer if the
 * schema that is stored with the wait refuses edited arguments or a form, or if the answer has content that was not
 * asked for.
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
        return content === null ? given : invalidAnswer("This answer must not have content.")
      }
      if (content === null) return invalidAnswer("The answer must have content that matches the form.")
      const filled = withDefaults(wait.answerSchema, content)
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

/** No value fits a schema that cannot be used. An MCP server may have written it. */
async function checkAgainstSchema(
  checkSchema: SchemaCheck,
  { sessionId, answerSchema }: Wait,
  value: JsonObject,
): Promise<InvalidAnswer | null> {
  if (answerSchema === null) return null
  try {
    const outcome = await checkSchema(answerSchema, value, { source: "answers", sessionId })
    return outcome.valid ? null : invalidAnswer(outcome.message)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return invalidAnswer(`The schema cannot be used: ${thrown.message}`)
  }
}

function invalidAnswer(message: string): InvalidAnswer {
  return { status: "invalid", message }
}
