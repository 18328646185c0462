import { ConfigurationError } from "../core/errors.ts"
import type { Tool, ToolContext, ToolResult } from "../core/ports/tool.ts"
import { compileSchema, type InferInput, type InputSchema } from "./input-schema.ts"
import { toJson } from "./to-json.ts"
import { contentOf } from "./tool-content.ts"

export interface ToolDefinition<Schema extends InputSchema> {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string
  /** For the model: what it does and when to use it. */
  readonly description: string
  /** An object schema. Each input is checked against it before `execute`; a misfit is told to the model. */
  readonly input: Schema
  /**
   * Returns any JSON value (undefined counts as null), or what `content()` made of text and images. May throw: the
   * model is told the error's message. Must stop when `context.signal` is aborted.
   */
  execute(input: InferInput<Schema>, context: ToolContext): unknown
  /** Has no effect outside, so it may be repeated after a crash. Default false. */
  readonly readOnly?: boolean
  /** Repeating it with the same `context.idempotencyKey` has no further effect. Default false. */
  readonly idempotent?: boolean
  /** Default: the agent's. */
  readonly timeoutMs?: number
  /** Never runs beside another call of the same message. Default false. */
  readonly sequential?: boolean
}

/** The longest delay a timer can wait. */
const maxTimeoutMs = 2_147_483_647
const namePattern = /^[a-zA-Z0-9_-]{1,64}$/
const options: Record<keyof ToolDefinition<InputSchema>, true> = {
  name: true,
  description: true,
  input: true,
  execute: true,
  readOnly: true,
  idempotent: true,
  timeoutMs: true,
  sequential: true,
}

/** A tool whose handler runs in this process. Throws a `ConfigurationError` for a definition that cannot work. */
export function tool<Schema extends InputSchema>(definition: ToolDefinition<Schema>): Tool {
  const subject = checkDefinition(definition)
  const { name, description, readOnly, idempotent, timeoutMs, sequential } = definition
  const schema = compileSchema(definition.input, subject)
  return {
    name,
    description,
    inputSchema: schema.jsonSchema,
    ...(readOnly !== undefined && { readOnly }),
    ...(idempotent !== undefined && { idempotent }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(sequential !== undefined && { sequential }),
    validate: (input) => schema.validate(input),
    // The input is what `validate` returned, so it is what the schema infers.
    execute: async (input, context) =>
      toResult(await definition.execute(input as InferInput<Schema>, context), name),
  }
}

function toResult(value: unknown, name: string): ToolResult {
  const content = contentOf(value)
  if (content !== null) return { type: "content", content }
  return { type: "json", value: toJson(value, `The result of tool ${name}`) }
}

/** Checks everything but the schema, and returns how error messages name the tool. */
function checkDefinition(definition: ToolDefinition<InputSchema>): string {
  if (typeof definition !== "object" || definition === null) {
    throw new ConfigurationError("tool() takes one object: { name, description, input, execute }.")
  }
  const { name, description, execute, timeoutMs } = definition
  const unknown = Object.keys(definition).filter((key) => !Object.hasOwn(options, key))
  if (typeof name !== "string" || !namePattern.test(name)) {
    throw new ConfigurationError(
      `tool(): the name must be 1 to 64 letters, digits, "_" or "-", but it is ${JSON.stringify(name)}.`,
    )
  }
  const subject = `Tool ${name}`
  const refuse = (problem: string): never => {
    throw new ConfigurationError(`${subject}: ${problem}`)
  }
  if (unknown.length > 0) {
    refuse(`unknown option ${unknown.join(", ")}; the options are ${Object.keys(options).join(", ")}.`)
  }
  if (typeof description !== "string" || description.trim() === "") {
    refuse("the description is empty, so a model would not know when to use it.")
  }
  if (typeof execute !== "function") refuse("execute must be a function.")
  for (const flag of ["readOnly", "idempotent", "sequential"] as const) {
    if (definition[flag] !== undefined && typeof definition[flag] !== "boolean") {
      refuse(`${flag} must be true or false.`)
    }
  }
  if (
    timeoutMs !== undefined &&
    !(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= maxTimeoutMs)
  ) {
    refuse(`timeoutMs must be a whole number of milliseconds from 1 to ${maxTimeoutMs}.`)
  }
  return subject
}
