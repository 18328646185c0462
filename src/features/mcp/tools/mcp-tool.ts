import {
  type CallToolResult,
  isInputRequiredResult,
  type Tool as ServerTool,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/client"
import { UnusableSchemaError } from "../../../core/errors.ts"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { SchemaCheck, SchemaCheckOptions } from "../../../core/ports/tools/schema-check.ts"
import type { Tool, ToolOutcome, ToolResult, Validation } from "../../../core/ports/tools/tool.ts"
import type { ServerConfig } from "../config/server-config.ts"
import { askFor, askToVisit, goOn, type InputReply, type Step } from "../elicitation/rounds.ts"
import { readToolDigest } from "../identity/listing-digest.ts"
import type { ServerHandle } from "../server.ts"
import { checkInput, checkResult } from "./checked-values.ts"
import { createProgressLines } from "./progress.ts"
import { toToolResult } from "./tool-result.ts"

/** Name of the input that lets a server distinguish sessions. The input is hidden from the model. */
const sessionKey = "_session_id"
/**
 * Maximum number of sends of one execution. It stops a server that requests the call endlessly without a question for
 * the user.
 */
const mostSends = 10

export interface McpToolOptions {
  /** Name by which the model knows the tool. */
  readonly name: string
  /** The name that the tool would have if no other tool had it too. */
  readonly plainName?: string
  readonly checkSchema: SchemaCheck
}

/** Creates an agent's tool from a server's tool. */
export function createMcpTool(
  server: ServerHandle,
  definition: ServerTool,
  { name, plainName, checkSchema }: McpToolOptions,
): Tool {
  const { config } = server
  const checkFor = (options: SchemaCheckOptions) => (schema: JsonObject, value: unknown) =>
    checkIfUsable(checkSchema, schema, value, options)
  const { timeoutMs, readOnly, idempotent, approval } = createPolicy(config, definition)
  const digest = readToolDigest(definition)
  const inputSchema = hideFields(definition.inputSchema as JsonObject, config)
  return {
    name,
    description: definition.description ?? definition.title ?? definition.name,
    inputSchema,
    readOnly,
    idempotent,
    timeoutMs,
    ...(approval !== null && { needsApproval: approval }),
    origin: { server: config.name, tool: definition.name, identity: config.identity, digest },
    ...(plainName !== undefined && { plainName }),
    validate: (input, { session, signal }) =>
      checkInput(checkFor({ owner: session, signal }), inputSchema, input),
    async execute(input, context) {
      const ownInput = omitFields(config.strippedFields, isJsonObject(input) ? input : {})
      const sent = config.injectsSession ? { ...ownInput, [sessionKey]: context.session.id } : ownInput
      const { signal, answered, session, traceparent } = context
      const progress = createProgressLines(context.emit)
      const options = {
        digest,
        signal,
        traceparent,
        asker: context,
        repeatable: readOnly || idempotent,
        onProgress: progress.show,
      }
      const first: Step = answered === null ? { type: "send", reply: {} } : goOn(answered)
      const check = checkFor({ owner: session, signal })
      const toShownResult = async (result: CallToolResult) =>
        (await checkResult(check, definition.outputSchema, result)) ?? toToolResult(result)
      try {
        return await answerUntilSettled(
          first,
          (reply) => server.call(definition.name, sent, { ...options, reply }),
          toShownResult,
        )
      } finally {
        progress.end()
      }
    },
  }
}

/** Sends the call until it has a result, or until the user must be asked. */
async function answerUntilSettled(
  first: Step,
  send: (reply: InputReply) => ReturnType<ServerHandle["call"]>,
  shown: (result: CallToolResult) => Promise<ToolResult>,
): Promise<ToolOutcome> {
  let step = first
  for (let sends = 0; step.type === "send"; sends++) {
    if (sends === mostSends) {
      const message = `The server did not return a result, but required the call again ${mostSends} times.`
      return { type: "error", code: "input_rounds_exceeded", message }
    }
    step = await stepAfter(send(step.reply), shown)
  }
  return step
}

async function stepAfter(
  sent: ReturnType<ServerHandle["call"]>,
  shown: (result: CallToolResult) => Promise<ToolResult>,
): Promise<Step> {
  try {
    const result = await sent
    return isInputRequiredResult(result) ? askFor(result) : await shown(result)
  } catch (thrown) {
    if (UrlElicitationRequiredError.isInstance(thrown)) return askToVisit(thrown)
    throw thrown
  }
}

/** Returns the approval policy of a tool. The user's settings override the statements of a trusted server. */
function createPolicy(config: ServerConfig, { name, annotations = {} }: ServerTool) {
  const options = config.toolOptions(name)
  const hints = config.trusted ? annotations : {}
  const readOnly = options.readOnly ?? hints.readOnlyHint ?? false
  const destroys = !readOnly && (hints.destructiveHint ?? true)
  const approvals = { always: true, never: false, destructive: destroys }
  const approval = options.approval ?? config.approval
  return {
    readOnly,
    idempotent: options.idempotent ?? hints.idempotentHint ?? false,
    timeoutMs: config.timeoutMs(name),
    approval: approval === null ? null : approvals[approval],
  }
}

/** Returns the schema without the fields that are hidden from the model. */
function hideFields(schema: JsonObject, { injectsSession, strippedFields }: ServerConfig): JsonObject {
  const { properties, required } = schema
  const hidden = injectsSession ? [...strippedFields, sessionKey] : strippedFields
  if (!isJsonObject(properties) || !hidden.some((key) => Object.hasOwn(properties, key))) return schema
  const shown = omitFields(hidden, properties)
  if (!Array.isArray(required)) return { ...schema, properties: shown }
  const stillRequired = required.filter((key) => typeof key !== "string" || !hidden.includes(key))
  return { ...schema, properties: shown, required: stillRequired }
}

function omitFields(names: readonly string[], fields: JsonObject): JsonObject {
  if (names.length === 0) return fields
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

/** Checks a value against a server's schema. If the schema cannot be used, the check is left to the server. */
async function checkIfUsable(
  checkSchema: SchemaCheck,
  schema: JsonObject,
  value: unknown,
  options: SchemaCheckOptions,
): Promise<Validation> {
  try {
    return await checkSchema(schema, value, options)
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    return { valid: true, input: value }
  }
}
