import { toError } from "../../../../core/errors.ts"
import type { JsonObject } from "../../../../core/json/json.ts"
import type {
  Tool,
  ToolContext,
  ToolOutcome,
  ToolResult,
  ValidationContext,
} from "../../../../core/ports/tools/tool.ts"
import { noTasks } from "../../../../core/runs/no-tasks.ts"
import type { RunnerRequest } from "../../../../core/runs/runner.ts"
import { removeSecrets } from "../../../../core/text/remove-secrets.ts"
import { rejectOnAbort } from "../../../../core/time/reject-on-abort.ts"

/** Maximum characters of a result's text. Longer text is truncated. */
const maxResultCharacters = 1_000_000

interface Execution {
  readonly callId: string
  readonly input: JsonObject
  readonly timeoutMs: number
  /** Aborted when the run is canceled, and when Claude Code gives up the call. */
  readonly signal: AbortSignal
}

/** Validates the input and executes the tool in this process. Every failure becomes an error result for the model. */
export async function executeTool(
  tool: Tool,
  request: RunnerRequest,
  { callId, input, timeoutMs, signal }: Execution,
): Promise<ToolResult> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const stop = AbortSignal.any([signal, timeout])
  const runTool = async () => {
    stop.throwIfAborted()
    const validation = await tool.validate(input, createValidationContext(request, stop))
    if (!validation.valid)
      return { type: "error", code: "invalid_input", message: validation.message } as const
    return toResult(await tool.execute(validation.input, createContext(request, callId, stop)), tool)
  }
  try {
    return await rejectOnAbort(stop, runTool())
  } catch (thrown) {
    if (signal.aborted) return { type: "error", code: "cancelled", message: "The call was canceled." }
    if (timeout.aborted) return createTimeoutResult(timeoutMs)
    return createErrorResult(thrown)
  }
}

export function createValidationContext(
  { checkSchema, sessionId: id, tenant, userId }: RunnerRequest,
  signal: AbortSignal,
): ValidationContext {
  return { session: { id, tenant, userId }, signal, checkSchema }
}

function createContext(request: RunnerRequest, toolCallId: string, signal: AbortSignal): ToolContext {
  const { sessionId: id, tenant, userId, channel, context, runId, traceparent, logger } = request
  return {
    signal,
    session: { id, tenant, userId, channel },
    context,
    runId,
    toolCallId,
    traceparent,
    idempotencyKey: toolCallId,
    answered: null,
    tasks: noTasks,
    ask: () => Promise.reject(createUnsupported("context.ask()")),
    // Runners have no event for the live output of a tool.
    emit() {},
    logger,
  }
}

function toResult(outcome: ToolOutcome, { name }: Tool): ToolResult {
  if (outcome.type === "wait" || outcome.type === "task")
    throw createUnsupported(`The ${outcome.type} of tool ${name}`)
  if (outcome.type === "error") return { ...outcome, message: removeSecrets(outcome.message) }
  const size = JSON.stringify(outcome).length
  if (size <= maxResultCharacters) return outcome
  const start = JSON.stringify(outcome.type === "json" ? outcome.value : outcome.content).slice(
    0,
    maxResultCharacters,
  )
  const text = `${start}\n[The result was truncated: it has ${size} characters as JSON.]`
  return { type: "content", content: [{ type: "text", text }] }
}

function createUnsupported(feature: string): Error {
  return new Error(`${feature} is not supported by the runner for the Claude Agent SDK.`)
}

function createTimeoutResult(timeoutMs: number): ToolResult {
  const message =
    `The tool did not return within ${timeoutMs} ms. It may or may not have taken effect. ` +
    "Check that before you repeat it."
  return { type: "error", code: "timeout", message }
}

function createErrorResult(thrown: unknown): ToolResult {
  const error = toError(thrown)
  const code = "code" in error && typeof error.code === "string" ? error.code : "tool_failed"
  return { type: "error", code, message: removeSecrets(error.message) }
}
