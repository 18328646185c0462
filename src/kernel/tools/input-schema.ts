import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { ConfigurationError, toError } from "../../core/errors.ts"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { toJson } from "../../core/json/to-json.ts"
import type { Validation } from "../../core/ports/tools/tool.ts"
import type { StandardIssue, StandardOutput, StandardSchema } from "./standard-schema.ts"

/**
 * The schema of a value from a model: Zod 4, any other Standard Schema that also implements Standard JSON Schema
 * (https://standardschema.dev/json-schema), or plain JSON Schema (2020-12 unless `$schema` names draft-07 or
 * 2019-09).
 */
export type InputSchema = StandardSchema | JsonObject

/** The value after the transforms and defaults of its schema. Plain JSON Schema infers nothing. */
export type InferInput<Schema extends InputSchema> = Schema extends StandardSchema
  ? StandardOutput<Schema>
  : JsonObject

export interface CompiledSchema {
  readonly jsonSchema: JsonObject
  /**
   * Validates and transforms a value with the schema library. Null for plain JSON Schema, which a `SchemaCheck`
   * validates.
   */
  readonly parse: ((input: JsonObject) => Promise<Validation>) | null
}

/**
 * Maximum number of validation errors that the model receives at once. The others follow after it has fixed these.
 */
const maxIssues = 20

/** Compiles a schema. Throws a `ConfigurationError` if it is not a schema. `subject` starts the message. */
export function compileSchema(schema: InputSchema, subject: string): CompiledSchema {
  const compiled = isStandard(schema) ? compileStandard(schema, subject) : compileJsonSchema(schema, subject)
  if (compiled.jsonSchema.type !== "object") {
    throw new ConfigurationError(`${subject} must be an object schema (a JSON Schema of type "object").`)
  }
  return compiled
}

function isStandard(schema: unknown): schema is StandardSchema {
  // The schemas of some libraries are functions.
  const holder = typeof schema === "function" || (typeof schema === "object" && schema !== null)
  return holder && "~standard" in schema
}

function compileStandard(schema: StandardSchema, subject: string): CompiledSchema {
  const standard: Partial<StandardSchema["~standard"]> = schema["~standard"]
  if (standard.jsonSchema === undefined || standard.validate === undefined) {
    throw new ConfigurationError(
      `${subject} schema (${standard.vendor ?? "unknown vendor"}) cannot be shown to a model, because it ` +
        "does not implement Standard JSON Schema. Zod does from version 4.2 on; plain JSON Schema works too.",
    )
  }
  const { jsonSchema: converter, validate } = standard
  const jsonSchema = buildObject(subject, () =>
    toJson(converter.input({ target: "draft-2020-12" }), "The JSON Schema"),
  )
  return {
    jsonSchema,
    async parse(input) {
      const result = await validate(input)
      return result.issues === undefined
        ? { valid: true, input: result.value }
        : { valid: false, message: describeIssues(result.issues) }
    },
  }
}

function compileJsonSchema(schema: JsonObject, subject: string): CompiledSchema {
  if (isJsonObject(schema) && Object.values<unknown>(schema).some(isStandard)) {
    throw new ConfigurationError(
      `${subject} is an object of schemas, not a schema. With Zod, put z.object() around it.`,
    )
  }
  const jsonSchema = buildObject(subject, () => toJson(schema, "The JSON Schema"))
  // It is compiled here only to report mistakes at the tool's definition. The time is linear in the schema's size.
  explainFailure(subject, () => new AjvJsonSchemaValidator().getValidator(jsonSchema))
  return { jsonSchema, parse: null }
}

function buildObject(subject: string, build: () => unknown): JsonObject {
  const jsonSchema = explainFailure(subject, build)
  if (isJsonObject(jsonSchema)) return jsonSchema
  throw new ConfigurationError(`${subject} must be a schema.`)
}

function explainFailure<Result>(subject: string, build: () => Result): Result {
  try {
    return build()
  } catch (thrown) {
    throw new ConfigurationError(`${subject} schema cannot be used: ${toError(thrown).message}`, {
      cause: thrown,
    })
  }
}

function describeIssues(issues: readonly StandardIssue[]): string {
  const shown = issues.slice(0, maxIssues).map(({ path, message }) => {
    const where = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
    return where === "" ? message : `${where}: ${message}`
  })
  const more = issues.length - shown.length
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "")
}
