import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { Runner, RunnerEvent, RunnerRequest, RunnerToolCall } from "../../../core/runs/runner.ts"
import { createAgentError } from "../failure.ts"
import { readFields, readText, toJsonValue } from "../fields.ts"
import { createAskedCall, type RunnerOptions } from "../runner-options.ts"
import { type ApprovalRequest, createSavedState, readDecidedMessages } from "./approvals.ts"
import { createExecutionStarts } from "./execution-starts.ts"
import { type AiSdkMessage, toModelMessages } from "./model-messages.ts"
import { callOf, toRunnerEvents } from "./stream-parts.ts"

/** The argument of an agent, or of `streamText`. */
export interface AiSdkCall {
  messages: AiSdkMessage[]
  abortSignal: AbortSignal
  /** Delays a tool until its call is in the log. */
  onToolExecutionStart: (event: object) => Promise<void>
}

/** The result of `agent.stream` and `streamText` of AI SDK 7. */
export interface AiSdkStream {
  readonly stream: AsyncIterable<{ readonly type: string }>
  readonly responseMessages: PromiseLike<readonly object[]>
}

/** A `ToolLoopAgent`, or any other object with the SDK's `Agent` interface. */
export interface AiSdkAgent {
  readonly tools?: object
  stream(call: AiSdkCall): PromiseLike<AiSdkStream>
}

/** For `streamText`: `(call) => streamText({ model, tools, ...call })`. */
export type AiSdkFunction = (
  call: AiSdkCall,
  request: RunnerRequest,
) => AiSdkStream | PromiseLike<AiSdkStream>

/**
 * Runs an agent of AI SDK 7. Its approval requests become approvals, and its messages are stored while approvals are
 * open. After a crash it starts again from the conversation, which contains the completed work and the unknown
 * outcomes.
 */
export function aiSdkRunner(agent: AiSdkAgent | AiSdkFunction, options: RunnerOptions = {}): Runner {
  return async function* (request) {
    try {
      yield* runAgent(agent, options, request)
    } catch (thrown) {
      throw createAgentError(thrown)
    }
  }
}

async function* runAgent(
  agent: AiSdkAgent | AiSdkFunction,
  options: RunnerOptions,
  request: RunnerRequest,
): AsyncIterable<RunnerEvent> {
  const { decisions, signal: abortSignal } = request
  const messages = decisions.length === 0 ? toModelMessages(request.messages) : readDecidedMessages(request)
  const starts = createExecutionStarts(decisions.map(({ id }) => id))
  const { onToolExecutionStart } = starts
  const call = { messages: [...messages], abortSignal, onToolExecutionStart }
  const result = await (typeof agent === "function" ? agent(call, request) : agent.stream(call))
  const requested = new Map<string, RunnerToolCall>()
  const asked: ApprovalRequest[] = []
  const questions: RunnerToolCall[] = []
  for await (const part of starts.among(result.stream)) {
    if (part.type === "error") throw part.error
    if (part.type === "tool-approval-request" && part.isAutomatic !== true) {
      const { approvalId, reason, toolCall } = part
      const question = callOf(readFields(toolCall))
      requested.delete(question.id)
      asked.push({ approvalId: String(approvalId), toolCallId: question.id })
      const inputSchema = typeof agent === "function" ? undefined : findInputSchema(agent, question.name)
      questions.push(createAskedCall(options, { ...question, reason: readText(reason), inputSchema }))
    }
    yield* toRunnerEvents(part, requested, options)
  }
  // The SDK leaves these calls to the application, and nothing here executes them.
  yield* requested.values()
  if (asked.length === 0) return
  yield { type: "state", state: createSavedState(messages, await result.responseMessages, asked) }
  yield* questions
}

function findInputSchema({ tools }: AiSdkAgent, name: string): JsonObject | undefined {
  return toJsonSchema(readFields(readFields(tools)[name]).inputSchema)
}

/**
 * Returns the JSON Schema of a tool's schema object: its own, or the one of https://standardschema.dev/json-schema.
 */
function toJsonSchema(schema: unknown): JsonObject | undefined {
  const own = readFields(schema).jsonSchema ?? convertStandardSchema(schema)
  const json = own === undefined ? null : toJsonValue(own)
  return isJsonObject(json) && Object.keys(json).length > 0 ? json : undefined
}

function convertStandardSchema(schema: unknown): unknown {
  const { input } = readFields(readFields(readFields(schema)["~standard"]).jsonSchema)
  return typeof input === "function" ? input({ target: "draft-2020-12" }) : undefined
}
