import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { toError } from "../core/errors.ts"
import type { JsonObject } from "../core/json.ts"
import type { SchemaCheck } from "../core/ports/schema-check.ts"
import { createRecentCache } from "../core/recent-cache.ts"
import { type CutOff, createCutOff } from "./cut-off.ts"

const maxCompiled = 100
/** Once for each schema. Usual ones take a millisecond, those of 100 kB half a second. */
const longestCompileMs = 2_000
/** A megabyte takes some milliseconds; a pattern of somebody's own choosing can take years. */
const longestCheckMs = 200

/** A schema of other keywords is gone through once for each part of a value. */
const takesLong = /"(pattern|patternProperties|format|uniqueItems|\$ref|\$dynamicRef|\$recursiveRef)":/
/** Of a schema and of a value as JSON: with both below it that takes some milliseconds at most. */
const fewCharacters = 10_000

/**
 * Each schema is compiled once while it is in use. The time limit costs 0.1 ms, so a check that cannot take long has none.
 */
export function createSchemaCheck(): SchemaCheck {
  const compiled = createRecentCache<ReturnType<typeof compile>>(maxCompiled)
  const cutOff = createCutOff()
  return (schema, value) => {
    const text = JSON.stringify(schema)
    const { check, error } = compiled(text, () => compile(schema, cutOff))
    if (check === null) throw error
    try {
      const result = isQuick(text, value) ? check(value) : cutOff(longestCheckMs, () => check(value))
      return result.valid ? { valid: true, input: value } : { valid: false, message: result.errorMessage }
    } catch (thrown) {
      return { valid: false, message: `It cannot be checked: ${toError(thrown).message}` }
    }
  }
}

function isQuick(schema: string, value: unknown): boolean {
  if (schema.length > fewCharacters || takesLong.test(schema)) return false
  return JSON.stringify([value]).length <= fewCharacters
}

/** What cannot be used is remembered like what can: it may have taken long to find out. */
function compile(schema: JsonObject, cutOff: CutOff) {
  try {
    // A validator of its own: a shared one would mix up two schemas of the same `$id`.
    const check = cutOff(longestCompileMs, () => new AjvJsonSchemaValidator().getValidator(schema))
    return { check, error: null }
  } catch (thrown) {
    return { check: null, error: toError(thrown) }
  }
}
