import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import { toJson } from "../../../core/json/to-json.ts"
import type { InterceptorDecided } from "../../../core/log/entries.ts"
import type { GatedCall, Verdict } from "../../../core/ports/tools/gate.ts"
import type { ReturnedTask, ReturnedWait, Tool, ToolResult } from "../../../core/ports/tools/tool.ts"
import { callBounded } from "../../../core/time/call-bounded.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import { findPlannedChild } from "../children/places.ts"
import { startTask } from "../children/start-task.ts"
import { createTaskActions } from "../children/task-actions.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { describeApprover, openWait } from "../waits/open-wait.ts"
import { createQuestions } from "../waits/questions.ts"
import { hasOpenedMost, WaitRefused } from "../waits/refused-wait.ts"
import { openReturnedWait } from "../waits/returned-wait.ts"
import { takeAnswer } from "../waits/take-answer.ts"
import {
  createBackgroundError,
  createChangedToolError,
  createClientToolError,
  createDenial,
  createInvalidInputResult,
  createRefusal,
  createUnknownToolError,
  createValidationFailure,
  findMalformedInput,
} from "./call-errors.ts"
import { type CallState, measureCall } from "./call-state.ts"
import { completeCall } from "./complete-call.ts"
import { explainNewApproval, findCurrentTool, isAsApproved, isFor, isStill } from "./current-tool.ts"
import { createDataEmitter } from "./emit-data.ts"
import { executeTool } from "./execute-tool.ts"
import { createLiveOutput } from "./live-output.ts"
import { loseCall, recoverCall } from "./recover-call.ts"
import { transformResult } from "./transform-result.ts"

/**
 * Continues one call from the state of its log as far as possible: validates it, asks the gate, waits for a person,
 * executes it, and logs the result. Resolves when the call is settled, or when it waits for an answer that has not
 * arrived.
 */
export async function settleCall(context: ModelRunContext, call: CallState): Promise<void> {
  for (;;) {
    const tool = findCurrentTool(context, call)
    switch (call.state) {
      case "requested":
        await admit(context, tool, call)
        break
      case "waiting":
        if (!(await takeAnswer(context, call))) return
        break
      case "approved":
        await admitApproved(context, tool, call)
        break
      case "denied":
        await completeCall(context, call, createDenial(call))
        break
      case "started":
        await recoverCall(context, tool, call, { repeat: () => beginAgain(context, tool, call) })
        break
      case "waited":
        await continueAfterWait(context, tool, call)
        break
      case "settled":
        return
      default:
        call.state satisfies never
    }
  }
}

async function admit(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  if (tool === undefined) return completeCall(context, call, createUnknownToolError(context, call))
  if (!isFor(call, tool)) return completeCall(context, call, createChangedToolError(call))
  const malformed = findMalformedInput(context, call)
  if (malformed !== null) return completeCall(context, call, malformed)
  const validation = await validate(context, tool, call)
  if (!validation.valid) return completeCall(context, call, validation.error)
  const verdict = await decide(context, tool, call, { validated: validation.input, approved: false })
  const decisions = listDecisions(verdict, tool, call)
  if (verdict.action === "ask") return askPerson(context, tool, call, { verdict, decisions })
  if (decisions.length > 0) await record(context, decisions)
  if (verdict.action === "deny") return completeCall(context, call, createRefusal(verdict))
  await begin(context, tool, call, validation.input)
}

/**
 * Starts a call that a person allowed, if its name still identifies the tool that they were asked about. Edited
 * arguments pass validation and interceptors like the model's own.
 */
async function admitApproved(
  context: ModelRunContext,
  tool: Tool | undefined,
  call: CallState,
): Promise<void> {
  if (tool === undefined) return completeCall(context, call, createUnknownToolError(context, call))
  const validation = await validate(context, tool, call)
  if (!validation.valid) return completeCall(context, call, validation.error)
  if (!isAsApproved(call, tool, validation.input)) return askAgain(context, tool, call, validation.input)
  if (call.approval?.resolution.editedInput != null) {
    const verdict = await decide(context, tool, call, { validated: validation.input, approved: true })
    const decisions = listDecisions(verdict, tool, call)
    if (decisions.length > 0) await record(context, decisions)
    if (verdict.action === "deny") return completeCall(context, call, createRefusal(verdict))
  }
  await begin(context, tool, call, validation.input)
}

/** Asks a person again, whatever the policy decides, because they did not approve the tool that would run now. */
async function askAgain(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  validated: unknown,
): Promise<void> {
  if (hasOpenedMost(call, "approval")) return completeCall(context, call, createChangedToolError(call))
  const verdict = await decide(context, tool, call, { validated, approved: false })
  const decisions = listDecisions(verdict, tool, call)
  if (verdict.action === "deny") {
    if (decisions.length > 0) await record(context, decisions)
    return completeCall(context, call, createRefusal(verdict))
  }
  const changed = explainNewApproval(call, tool)
  const reason = verdict.reason === null ? changed : `${changed} ${verdict.reason}`
  await askPerson(context, tool, call, { verdict: { ...verdict, reason }, decisions })
}

function listDecisions({ decisions }: Verdict, tool: Tool, { requested }: CallState): InterceptorDecided[] {
  const { toolCallId } = requested
  return decisions.map((decision) => ({
    type: "interceptorDecided",
    toolCallId,
    toolName: tool.name,
    ...decision,
  }))
}

async function begin(context: ModelRunContext, tool: Tool, call: CallState, input: unknown): Promise<void> {
  const { toolCallId } = call.requested
  // Validation and policies take time. The caller checks the call again, with the current tool.
  if (!isStill(context, call, tool)) return
  if (tool.executionLocation === "client" && context.conversation.run?.started.call !== undefined)
    return completeCall(context, call, createClientToolError(tool))
  if (tool.executionLocation === "client") return openToClient(context, tool, call, input)
  await record(context, [{ type: "toolCallStarted", toolCallId }])
  // The commit may have taken long enough for another process to take the session and settle the call (rule 8,
  // liveness). Nothing is awaited between the last check and the tool, because other sessions' work could run then.
  do await context.hold.untilCertain(context.signal)
  while (!context.hold.isCertain())
  const questions = createQuestions(context, tool, call)
  const data = createDataEmitter(context, tool, call)
  const tasks = createTaskActions(context, call)
  const output = createLiveOutput(context, tool, call.requested)
  const outcome = await executeTool(context, tool, {
    call,
    input,
    ask: questions.ask,
    tasks: tasks.port,
    emitData: data.emit,
    output,
  })
  await questions.end()
  await data.stored()
  if (outcome === "interrupted") return loseCall(context, call)
  if (outcome.type === "wait" || outcome.type === "task") return waitFor(context, tool, call, outcome)
  const durationMs = measureCall(call, context.clock.now())
  const result = await transformResult(context, call, outcome)
  const completion = {
    durationMs,
    server: findServer(tool, call),
    after: tasks.events(),
    output: output.kept(),
  }
  await completeCall(context, call, result, completion, { outbox: tasks.outbox() })
}

function findServer(tool: Tool, { input }: CallState): string | null {
  return resolveOrigin(tool, input)?.server ?? null
}

/** Parks the call without this process until the wait has ended, or completes it with the id of a background task. */
async function waitFor(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  returned: ReturnedWait | ReturnedTask,
): Promise<void> {
  try {
    if (returned.type === "task" && context.conversation.run?.started.call !== undefined)
      return await completeCall(context, call, createBackgroundError(tool))
    if (returned.type === "task") await startTask(context, call, returned)
    else await openReturnedWait(context, tool, call, returned)
  } catch (thrown) {
    if (!(thrown instanceof WaitRefused)) throw thrown
    const { code, message } = thrown
    const completion = { durationMs: measureCall(call, context.clock.now()), server: findServer(tool, call) }
    await completeCall(context, call, { type: "error", code, message }, completion)
  }
}

/** Starts the child of a call that waited for the end of others. Otherwise executes the tool again. */
async function continueAfterWait(
  context: ModelRunContext,
  tool: Tool | undefined,
  call: CallState,
): Promise<void> {
  const planned = findPlannedChild(call)
  if (planned === null || tool === undefined || !isFor(call, tool)) return beginAgain(context, tool, call)
  await waitFor(context, tool, call, planned)
}

/**
 * Executes an allowed call again with the same arguments. If another tool now has its name, that tool receives
 * neither the call nor the user's answer.
 */
async function beginAgain(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  if (tool === undefined) return completeCall(context, call, createUnknownToolError(context, call))
  if (!isFor(call, tool)) return loseCall(context, call)
  const validation = await validate(context, tool, call)
  if (!validation.valid) return completeCall(context, call, validation.error)
  await begin(context, tool, call, validation.input)
}

async function askPerson(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  {
    verdict: { qualifier, reason },
    decisions,
  }: { readonly verdict: Verdict; readonly decisions: readonly InterceptorDecided[] },
): Promise<void> {
  const asked = {
    toolCallId: call.requested.toolCallId,
    toolName: tool.name,
    origin: resolveOrigin(tool, call.input),
    asks: {
      kind: "approval",
      payload: {
        ...{ input: call.input, qualifier, reason },
        ...describeApprover(tool.approvalsBy ?? context.runtime.approvalsBy),
      },
    },
    answerSchema: tool.inputSchema,
    expiresAt: context.clock.now() + context.runtime.approvalTimeoutSeconds * 1_000,
  } as const
  await openWait(context, asked, decisions)
}

async function openToClient(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  validated: unknown,
): Promise<void> {
  const { toolCallId, callIndex } = call.requested
  await openWait(context, {
    toolCallId,
    toolName: tool.name,
    origin: resolveOrigin(tool, call.input),
    asks: { kind: "clientTool", payload: { input: selectClientInput(call, validated), callIndex } },
    answerSchema: null,
    expiresAt: context.clock.now() + context.runtime.approvalTimeoutSeconds * 1_000,
  })
}

/** Returns the validated input as JSON, which has the defaults and transforms of the tool's schema. */
function selectClientInput({ input }: CallState, validated: unknown): JsonObject {
  if (validated === input) return input
  try {
    const json = toJson(validated, "The validated input")
    return isJsonObject(json) ? json : input
  } catch {
    // A transform returned a value that JSON cannot represent. The client receives the original input.
    return input
  }
}

async function decide(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { validated, approved }: Pick<GatedCall, "validated" | "approved">,
): Promise<Verdict> {
  const { conversation, sessionId, tenant, userId, runtime } = context
  return runtime.gate.decide({
    tool,
    toolCallId: call.requested.toolCallId,
    input: call.input,
    validated,
    session: { id: sessionId, tenant, userId },
    runId: conversation.run?.runId ?? "",
    channel: conversation.run?.started.channel ?? null,
    context: conversation.run?.started.context ?? {},
    approved,
    signal: context.signal,
  })
}

type Validated =
  | { readonly valid: true; readonly input: unknown }
  | { readonly valid: false; readonly error: ToolResult }

async function validate(
  { sessionId, tenant, userId, signal, runtime: { callbackTimeoutMs, checkSchema } }: ModelRunContext,
  tool: Tool,
  call: CallState,
): Promise<Validated> {
  const session = { id: sessionId, tenant, userId }
  const bounds = { name: `The validator of the tool ${tool.name}`, signal, timeoutMs: callbackTimeoutMs }
  try {
    const validation = await callBounded(
      (stop) => tool.validate(call.input, { session, signal: stop, checkSchema }),
      bounds,
    )
    if (validation.valid) return validation
    return { valid: false, error: createInvalidInputResult(validation.message) }
  } catch (thrown) {
    signal.throwIfAborted()
    return { valid: false, error: createValidationFailure(thrown) }
  }
}
