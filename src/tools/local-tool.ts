import { ConfigurationError } from "../core/errors.ts"
import type { JsonObject } from "../core/json/json.ts"
import { toJson } from "../core/json/to-json.ts"
import type { Tool, ToolContext, ToolOutcome } from "../core/ports/tool.ts"
import { longestTimerMs } from "../core/time/longest-timer.ts"
import { compileSchema, type InferInput, type InputSchema } from "./input-schema.ts"
import { contentOf } from "./tool-content.ts"
import { waitOf } from "./wait.ts"

export type ToolDefinition<Schema extends InputSchema> =
  | BackendToolDefinition<Schema>
  | ClientToolDefinition<Schema>

/** Executed in this process. */
export interface BackendToolDefinition<Schema extends InputSchema> extends CommonDefinition<Schema> {
  /** Default `backend`. */
  readonly execution?: "backend"
  /**
   * Returns any JSON value (undefined counts as null), text and images made by `content()`, or a wait made by
   * `wait.sleep()` or `wait.input()`. If it throws, the model receives the error's message. Must stop when
   * `context.signal` is aborted.
   */
  execute(input: InferInput<Schema>, context: ToolContext): unknown
}

/** Executed by whoever holds the session: the run waits until the client sends the result, over restarts too. */
export interface ClientToolDefinition<Schema extends InputSchema> extends CommonDefinition<Schema> {
  readonly execution: "client"
  readonly execute?: undefined
}

interface CommonDefinition<Schema extends InputSchema> {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string
  /** For the model: what it does and when to use it. */
  readonly description: string
  /** An object schema. Each input is checked against it before `execute`; a misfit is told to the model. */
  readonly input: Schema
  /** If true, a person must allow the call first. Default: what the agent's `needsApproval` says. */
  readonly approval?:
    | boolean
    | ((input: JsonObject, options: { readonly signal: AbortSignal }) => boolean | Promise<boolean>)
  /** Divides calls into types, each of which a person may allow for the rest of the session. Default: one type. */
  readonly qualifier?: (input: JsonObject) => string | null
  /** Has no effect outside, so it may be repeated after a crash. Default false. */
  readonly readOnly?: boolean
  /** Repeating it with the same `context.idempotencyKey` has no further effect. Default false. */
  readonly idempotent?: boolean
  /** Default: the agent's. */
  readonly timeoutMs?: number
  /** Never runs beside another call of the same message. Default false. */
  readonly sequential?: boolean
}

const namePattern = /^[a-zA-Z0-9_-]{1,64}$/
const options: Record<keyof BackendToolDefinition<InputSchema>, true> = {
  name: true,
  description: true,
  input: true,
  execute: true,
  execution: true,
  approval: true,
  qualifier: true,
  readOnly: true,
  idempotent: true,
  timeoutMs: true,
  sequential: true,
}

/**
 * A function as a tool, or a tool that the client executes. Throws a `ConfigurationError` for a definition that
 * cannot work.
 */
export function tool<Schema extends InputSchema>(definition: ToolDefinition<Schema>): Tool {
  const subject = checkDefinition(definition)
  const { name, description, readOnly, idempotent, timeoutMs, sequential, approval, qualifier } = definition
  const { jsonSchema, parse } = compileSchema(definition.input, `${subject}: its input`)
  return {
    name,
    description,
    inputSchema: jsonSchema,
    ...(readOnly !== undefined && { readOnly }),
    ...(idempotent !== undefined && { idempotent }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(sequential !== undefined && { sequential }),
    ...(approval !== undefined && { approval }),
    ...(qualifier !== undefined && { qualifier }),
    ...(definition.execution === "client" && { executionLocation: "client" as const }),
    validate: (input, { checkSchema, sessionId, signal }) =>
      parse === null ? checkSchema(jsonSchema, input, { source: "tools", sessionId, signal }) : parse(input),
    async execute(input, context) {
      if (definition.execution === "client") throw new Error(`Tool ${name} is executed by the client.`)
      // The input is what `validate` returned, so it is what the schema infers.
      return toOutcome(await definition.execute(input as InferInput<Schema>, context), name)
    },
  }
}

function toOutcome(value: unknown, name: string): ToolOutcome {
  const wait = waitOf(value)
  if (wait !== null) return wait
  const content = contentOf(value)
  if (content !== null) return { type: "content", content }
  return { type: "json", value: toJson(value, `The result of tool ${name}`) }
}

/** Checks everything but the schema, and returns how error messages name the tool. */
function checkDefinition(definition: ToolDefinition<InputSchema>): string {
  if (typeof definition !== "object" || definition === null) {
    throw new ConfigurationError("tool() takes one object: { name, description, input, execute }.")
  }
  const { name, description, execute, execution, approval, qualifier, timeoutMs } = definition
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
  if (execution !== undefined && execution !== "backend" && execution !== "client") {
    refuse('execution must be "backend" or "client".')
  }
  if (execution === "client" && execute !== undefined) refuse("a client tool has no execute.")
  if (execution !== "client" && typeof execute !== "function") refuse("execute must be a function.")
  if (!["undefined", "boolean", "function"].includes(typeof approval)) {
    refuse("approval must be true, false or a function of the input.")
  }
  if (!["undefined", "function"].includes(typeof qualifier))
    refuse("qualifier must be a function of the input.")
  for (const flag of ["readOnly", "idempotent", "sequential"] as const) {
    if (definition[flag] !== undefined && typeof definition[flag] !== "boolean") {
      refuse(`${flag} must be true or false.`)
    }
  }
  if (
    timeoutMs !== undefined &&
    !(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= longestTimerMs)
  ) {
    refuse(`timeoutMs must be a whole number of milliseconds from 1 to ${longestTimerMs}.`)
  }
  return subject
}
