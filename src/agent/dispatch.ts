import type { ToolCallCompleted } from "../core/entries.ts"
import { toError } from "../core/errors.ts"
import type { Tool, ToolResult } from "../core/ports/tool.ts"
import { boundResult } from "./bound-result.ts"
import type { CallState } from "./conversation.ts"
import { executeTool } from "./execute-tool.ts"
import { type ModelRunContext, record } from "./run-context.ts"

/** Calls of one message that run at once; further ones wait for a place. */
const maxConcurrentCalls = 16

/**
 * Settles every call: validate, log the start, execute, bound, log the result. Each call is independent of the
 * others but for a `sequential` tool, which runs alone. Rejects only when the attempt itself cannot go on.
 */
export async function dispatchCalls(context: ModelRunContext, calls: readonly CallState[]): Promise<void> {
  const tools = new Map(context.runtime.tools.map((tool) => [tool.name, tool]))
  let together: CallState[] = []
  const settleTogether = async () => {
    const batch = together
    together = []
    await settleAll(batch, (call) => settleCall(context, tools, call))
  }
  for (const call of calls) {
    if (tools.get(call.requested.name)?.sequential === true) {
      await settleTogether()
      await settleCall(context, tools, call)
    } else {
      together.push(call)
    }
  }
  await settleTogether()
}

/** Runs all to their end before it rejects, so that no call is left behind unobserved. */
async function settleAll(
  calls: readonly CallState[],
  settle: (call: CallState) => Promise<void>,
): Promise<void> {
  const waiting = calls.values()
  const lane = async () => {
    for (const call of waiting) await settle(call)
  }
  const lanes = await Promise.allSettled(
    Array.from({ length: Math.min(maxConcurrentCalls, calls.length) }, lane),
  )
  for (const outcome of lanes) if (outcome.status === "rejected") throw outcome.reason
}

async function settleCall(
  context: ModelRunContext,
  tools: ReadonlyMap<string, Tool>,
  call: CallState,
): Promise<void> {
  const { toolCallId, name } = call.requested
  const tool = tools.get(name)
  const startedBefore = call.state === "started"
  if (startedBefore && tool?.readOnly !== true && tool?.idempotent !== true) {
    await record(context, [
      { type: "toolCallInterrupted", toolCallId, name, reason: "crashed", outcome: "unknown" },
    ])
    return
  }
  if (tool === undefined) {
    await complete(context, call, unknownTool(name, [...tools.keys()]), { durationMs: 0 })
    return
  }
  const malformed = malformedInputOf(context, toolCallId)
  const validation = malformed === null ? await validate(tool, call) : malformed
  if (!validation.valid) {
    const { message } = validation
    await complete(context, call, { type: "error", code: "invalid_input", message }, { durationMs: 0, tool })
    return
  }
  await record(context, [{ type: "toolCallStarted", toolCallId }])
  const startedAt = context.clock.now()
  const result = await executeTool(context, tool, {
    toolCallId,
    stepId: call.requested.stepId,
    input: validation.input,
  })
  await complete(context, call, result, { durationMs: context.clock.now() - startedAt, tool })
}

async function validate(tool: Tool, call: CallState): ReturnType<Tool["validate"]> {
  try {
    return await tool.validate(call.requested.input)
  } catch (error) {
    return { valid: false, message: `The input could not be checked: ${toError(error).message}` }
  }
}

async function complete(
  context: ModelRunContext,
  { requested }: CallState,
  result: ToolResult,
  { durationMs, tool }: { readonly durationMs: number; readonly tool?: Tool },
): Promise<void> {
  const completed: ToolCallCompleted = {
    type: "toolCallCompleted",
    toolCallId: requested.toolCallId,
    name: requested.name,
    result: boundResult(result, context.runtime.maxToolResultBytes),
    durationMs,
    server: tool?.server ?? null,
    executionLocation: requested.executionLocation,
  }
  await record(context, [completed])
}

function unknownTool(name: string, known: readonly string[]): ToolResult {
  const there = known.length === 0 ? "There are no tools." : `The tools are: ${known.join(", ")}.`
  return {
    type: "error",
    code: "unknown_tool",
    message: `There is no tool ${JSON.stringify(name)}. ${there}`,
  }
}

/** The model's own text for the input, when it was not a JSON object. */
function malformedInputOf({ conversation }: ModelRunContext, toolCallId: string) {
  const phase = conversation.run?.phase
  if (phase?.type !== "settling") return null
  const part = phase.completed.message.content.find(
    (candidate) => candidate.type === "toolCall" && candidate.toolCallId === toolCallId,
  )
  if (part?.type !== "toolCall" || part.malformedInput === undefined) return null
  return {
    valid: false,
    message: "The input is not a complete JSON object; send the whole of it again.",
  } as const
}
