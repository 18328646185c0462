import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { toJson } from "../../core/json/to-json.ts"
import type { Tool, ToolApprovalPolicy, ToolContext, ToolOutcome } from "../../core/ports/tools/tool.ts"
import type { Approver } from "../../core/wait.ts"
import { parseOptions } from "../../platform/options/resolve-options.ts"
import { createFunctionSchema, milliseconds } from "../../platform/options/schemas.ts"
import { compileSchema, type InferInput, type InputSchema } from "./input-schema.ts"
import { findContent } from "./tool-content.ts"
import { findMarkedResult } from "./tool-result.ts"
import { findReturnedWait } from "./wait.ts"

export type ToolDefinition<Schema extends InputSchema> =
  | BackendToolDefinition<Schema>
  | ClientToolDefinition<Schema>

/** Definition of a tool that this process executes. */
export interface BackendToolDefinition<Schema extends InputSchema> extends CommonDefinition<Schema> {
  /** Default `backend`. */
  readonly executionLocation?: "backend"
  /**
   * Returns any JSON value (undefined counts as null), text and images made by `content()`, a result made by
   * `toolResult()` or `toolError()`, or a wait made by `wait.sleep()` or `wait.input()`. If it throws, the model
   * receives the error's `code`, `subCode` and message. It must stop when `context.signal` aborts.
   */
  execute(input: InferInput<Schema>, context: ToolContext): unknown
}

/**
 * Definition of a tool that the holder of the session executes. The run waits until the client sends the result, even
 * across restarts.
 */
export interface ClientToolDefinition<Schema extends InputSchema> extends CommonDefinition<Schema> {
  readonly executionLocation: "client"
  readonly execute?: undefined
}

interface CommonDefinition<Schema extends InputSchema> {
  /** Name of the tool: letters, digits, `_` and `-`, at most 64. */
  readonly name: string
  /** Description for the model: what the tool does and when to use it. */
  readonly description: string
  /** An object schema. Each input is validated before `execute`. The model receives the validation errors. */
  readonly inputSchema: Schema
  /**
   * If true, a person must allow the call first. A function decides about each call. Its `input` is the value that
   * `execute` receives. Default: the agent's `needsApproval` decides.
   */
  readonly needsApproval?: boolean | ToolApprovalPolicy<InferInput<Schema>>
  /** The people who may allow a call: `client` or `operator`. Default: those of the agent's `approvalsBy`. */
  readonly approvalsBy?: Approver
  /**
   * Divides calls into types, each of which a person may allow for the rest of the session. Its argument is the value
   * that `execute` receives. Default: one type.
   */
  readonly qualifier?: (input: InferInput<Schema>) => string | null
  /** If true, the tool has no effect outside, so it may be repeated after a crash. Default false. */
  readonly readOnly?: boolean
  /** If true, a repetition with the same `context.idempotencyKey` has no further effect. Default false. */
  readonly idempotent?: boolean
  /** Maximum milliseconds of a call. Default: the agent's. */
  readonly timeoutMs?: number
  /** If true, it never runs beside another call of the same message. Default false. */
  readonly sequential?: boolean
}

const flag = z.boolean().optional()
/** The options of `tool()`. */
export const toolSchema = z.strictObject({
  name: z.string(),
  description: z.string().regex(/\S/, "is empty, so a model would not know when to use it"),
  inputSchema: z.unknown(),
  execute: createFunctionSchema().optional(),
  executionLocation: z.enum(["backend", "client"], 'must be "backend" or "client"').optional(),
  needsApproval: z
    .union([z.boolean(), createFunctionSchema()], "must be true, false or a function of the input")
    .optional(),
  approvalsBy: z.enum(["client", "operator"], 'must be "client" or "operator"').optional(),
  qualifier: createFunctionSchema().optional(),
  readOnly: flag,
  idempotent: flag,
  timeoutMs: milliseconds.optional(),
  sequential: flag,
})

/**
 * Creates a tool from a function, or a tool that the client executes. Throws a `ConfigurationError` if the definition
 * cannot work.
 */
export function tool<Schema extends InputSchema>(definition: ToolDefinition<Schema>): Tool {
  const subject = checkDefinition(definition)
  // `validate` returns the inputs for all functions of the tool, so they have the type that the schema infers.
  const { name, description, readOnly, idempotent, timeoutMs, sequential, needsApproval, approvalsBy } =
    definition
  const { qualifier } = definition
  const { jsonSchema, parse } = compileSchema(definition.inputSchema, `${subject}: its input`)
  return {
    name,
    description,
    inputSchema: jsonSchema,
    ...(readOnly !== undefined && { readOnly }),
    ...(idempotent !== undefined && { idempotent }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(sequential !== undefined && { sequential }),
    ...(needsApproval !== undefined && { needsApproval: needsApproval as boolean | ToolApprovalPolicy }),
    ...(approvalsBy !== undefined && { approvalsBy }),
    ...(qualifier !== undefined && { qualifier }),
    ...(definition.executionLocation === "client" && { executionLocation: "client" as const }),
    validate: (input, { checkSchema, session, signal }) =>
      parse === null ? checkSchema(jsonSchema, input, { owner: session, signal }) : parse(input),
    async execute(input, context) {
      if (definition.executionLocation === "client")
        throw new Error(`Tool ${name} is executed by the client.`)
      return toOutcome(await definition.execute(input as InferInput<Schema>, context), name)
    },
  }
}

function toOutcome(value: unknown, name: string): ToolOutcome {
  const wait = findReturnedWait(value)
  if (wait !== null) return wait
  const marked = findMarkedResult(value)
  if (marked !== null) return marked
  const content = findContent(value)
  if (content !== null) return { type: "content", content }
  return { type: "json", value: toJson(value, `The result of tool ${name}`) }
}

/** Checks everything except the input's schema, and returns the tool's name for error messages. */
function checkDefinition(definition: ToolDefinition<InputSchema>): string {
  if (typeof definition !== "object" || definition === null) {
    throw new ConfigurationError("tool() takes one object: { name, description, inputSchema, execute }.")
  }
  const { name } = definition
  if (typeof name !== "string" || !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    throw new ConfigurationError(
      `tool(): the name must be 1 to 64 letters, digits, "_" or "-", but it is ${JSON.stringify(name)}.`,
    )
  }
  const subject = `Tool ${name}`
  const { execute, executionLocation } = parseOptions(subject, toolSchema, definition)
  if (executionLocation === "client" && execute !== undefined)
    throw new ConfigurationError(`${subject}: a client tool has no execute.`)
  if (executionLocation !== "client" && execute === undefined)
    throw new ConfigurationError(`${subject}: execute must be a function.`)
  return subject
}
