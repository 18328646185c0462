import type { CallToolResult } from "@modelcontextprotocol/client"
import { OverloadedError } from "../../../core/errors.ts"
import { isJsonObject, isLongerAsJson, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { ToolResult, Validation } from "../../../core/ports/tools/tool.ts"
import { isTooDeep } from "../nesting.ts"

/** A check against a server's schema. */
type Check = (schema: JsonObject, value: unknown) => Promise<Validation>

/** Longer structured results are truncated for the model anyway. */
const maxCheckedCharacters = 1024 * 1024

/**
 * Checks a call's arguments. Models and clients write null for missing optional arguments. If the schema does not
 * allow null, such arguments are removed.
 */
export async function checkInput(check: Check, schema: JsonObject, input: JsonObject): Promise<Validation> {
  const validation = await check(schema, input)
  if (validation.valid) return validation
  const cleanedInput = removeOptionalNulls(schema, input)
  if (cleanedInput === null) return validation
  const outcome = await check(schema, cleanedInput)
  return outcome.valid ? outcome : validation
}

/** Null if there is nothing to remove. */
function removeOptionalNulls({ required }: JsonObject, input: JsonObject): JsonObject | null {
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name)
  const entries = Object.entries(input)
  const kept = entries.filter(([name, value]) => value !== null || isRequired(name))
  return kept.length === entries.length ? null : Object.fromEntries(kept)
}

/** Checks a call's structured content. Returns the error for the model, or null if the content is valid. */
export async function checkResult(
  check: Check,
  outputSchema: object | undefined,
  { structuredContent, isError }: CallToolResult,
): Promise<ToolResult | null> {
  if (!isJsonObject(outputSchema) || structuredContent === undefined || isError === true) return null
  // The size is checked first, because the other check reads the whole value.
  if (isLongerAsJson(structuredContent, maxCheckedCharacters) || isTooDeep(structuredContent)) return null
  const outcome = await checkIfNotOverloaded(check, outputSchema, structuredContent as Json)
  if (outcome.valid) return null
  const message =
    `The tool's result does not fit its output schema, so it is not shown: ${outcome.message} The ` +
    "call may have taken effect."
  return { type: "error", code: "mcp_invalid_result", message }
}

/** The call has been made, so its result is shown without a check, like a result that is too large for one. */
async function checkIfNotOverloaded(check: Check, schema: JsonObject, value: Json): Promise<Validation> {
  try {
    return await check(schema, value)
  } catch (thrown) {
    if (!(thrown instanceof OverloadedError)) throw thrown
    return { valid: true, input: value }
  }
}
