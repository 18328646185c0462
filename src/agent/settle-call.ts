import { callBounded } from "../core/call-bounded.ts"
import type { Event, InterceptorDecided } from "../core/entries.ts"
import { toError } from "../core/errors.ts"
import type { Verdict } from "../core/ports/gate.ts"
import type { InputRequired, Tool, Validation } from "../core/ports/tool.ts"
import { denial, invalidInput, malformedInputOf, refusal, unknownTool } from "./call-errors.ts"
import { complete } from "./complete-call.ts"
import type { CallState } from "./conversation.ts"
import { executeTool } from "./execute-tool.ts"
import { newWait } from "./new-wait.ts"
import { askUser, QuestionRefused, questionsOf } from "./questions.ts"
import { type ModelRunContext, record } from "./run-context.ts"
import { closeQuestion, takeAnswer } from "./take-answer.ts"

/**
 * Takes one call as far as it goes, from whatever its log says: validate, ask the gate, wait for a person, execute,
 * log the result. Resolves when it is settled, or when it waits for an answer that is not there yet.
 */
export async function settleCall(context: ModelRunContext, call: CallState): Promise<void> {
  const tool = context.runtime.tools.find(({ name }) => name === call.requested.name)
  for (;;) {
    switch (call.state) {
      case "requested":
        await admit(context, tool, call)
        break
      case "awaitingApproval":
      case "awaitingClient":
      case "awaitingInput":
        if (!(await takeAnswer(context, call))) return
        break
      case "approved":
        await admitApproved(context, tool, call)
        break
      case "denied":
        await complete(context, call, denial(call))
        break
      case "started":
        // Begun by a process that did not live to log the result.
        await recover(context, tool, call)
        break
      case "inputGiven":
        await beginAgain(context, tool, call)
        break
      case "settled":
        return
      default:
        call.state satisfies never
    }
  }
}

async function admit(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  if (tool === undefined) return complete(context, call, unknownTool(context, call))
  const validation = malformedInputOf(context, call) ?? (await validate(context, tool, call))
  if (!validation.valid) return complete(context, call, invalidInput(validation.message))
  const verdict = await decide(context, tool, call, false)
  const decisions = decisionsOf(verdict, tool, call)
  if (verdict.action === "ask") return askPerson(context, tool, call, { verdict, decisions })
  if (decisions.length > 0) await record(context, decisions)
  if (verdict.action === "deny") return complete(context, call, refusal(verdict))
  await begin(context, tool, call, validation.input)
}

/** A person allowed it. Arguments that they edited pass validation and interceptors like the model's own. */
async function admitApproved(
  context: ModelRunContext,
  tool: Tool | undefined,
  call: CallState,
): Promise<void> {
  if (tool === undefined) return complete(context, call, unknownTool(context, call))
  const validation = await validate(context, tool, call)
  if (!validation.valid) return complete(context, call, invalidInput(validation.message))
  if (call.approval?.editedInput != null) {
    const verdict = await decide(context, tool, call, true)
    const decisions = decisionsOf(verdict, tool, call)
    if (decisions.length > 0) await record(context, decisions)
    if (verdict.action === "deny") return complete(context, call, refusal(verdict))
  }
  await begin(context, tool, call, validation.input)
}

function decisionsOf({ decisions }: Verdict, tool: Tool, { requested }: CallState): InterceptorDecided[] {
  const { toolCallId } = requested
  return decisions.map((decision) => ({
    type: "interceptorDecided",
    toolCallId,
    toolName: tool.name,
    ...decision,
  }))
}

async function begin(context: ModelRunContext, tool: Tool, call: CallState, input: unknown): Promise<void> {
  const { toolCallId, name } = call.requested
  if (tool.executionLocation === "client") return openToClient(context, tool, call)
  await record(context, [{ type: "toolCallStarted", toolCallId }])
  const startedAt = context.clock.now()
  const questions = questionsOf(context, tool, call)
  const outcome = await executeTool(context, tool, { call, input, ask: questions.ask })
  await questions.end()
  if (outcome === "interrupted") {
    const lost = { reason: "lost", outcome: "unknown" } as const
    return record(context, [{ type: "toolCallInterrupted", toolCallId, name, ...lost }])
  }
  if (outcome.type === "inputRequired") return requireInput(context, tool, call, outcome)
  await complete(context, call, outcome, {
    durationMs: context.clock.now() - startedAt,
    server: tool.server ?? null,
  })
}

/** The call waits for the user, in this process or another, and is executed again with the answer. */
async function requireInput(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { question, continuation }: InputRequired,
): Promise<void> {
  try {
    await askUser(context, tool, call, { question, continuation })
  } catch (thrown) {
    if (!(thrown instanceof QuestionRefused)) throw thrown
    const { code, message } = thrown
    await complete(context, call, { type: "error", code, message }, { server: tool.server ?? null })
  }
}

/** It was allowed before, and its arguments are the same. */
async function beginAgain(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  if (tool === undefined) return complete(context, call, unknownTool(context, call))
  const validation = await validate(context, tool, call)
  if (!validation.valid) return complete(context, call, invalidInput(validation.message))
  await begin(context, tool, call, validation.input)
}

async function recover(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  const { toolCallId, name } = call.requested
  // Asked from inside the call, of which nothing is left: a call that begins anew asks anew.
  await closeQuestion(context, call)
  if (tool?.readOnly === true || tool?.idempotent === true) return beginAgain(context, tool, call)
  const { stoppedInOrder } = context
  await record(context, [
    { type: "toolCallInterrupted", toolCallId, name, reason: "crashed", outcome: "unknown", stoppedInOrder },
  ])
}

async function askPerson(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { verdict, decisions }: { readonly verdict: Verdict; readonly decisions: readonly Event[] },
): Promise<void> {
  const wait = newWait(context, tool, call, { kind: "approval", verdict })
  const { toolCallId, toolName, input, qualifier, reason, nonce, expiresAt } = wait
  const asked: Event = {
    type: "approvalRequested",
    toolCallId,
    toolName,
    input,
    qualifier,
    reason,
    nonce,
    expiresAt,
  }
  await record(context, [...decisions, asked], { open: [wait] })
}

async function openToClient(context: ModelRunContext, tool: Tool, call: CallState): Promise<void> {
  const wait = newWait(context, tool, call, { kind: "clientTool" })
  const { toolCallId, toolName: name, input, nonce, expiresAt } = wait
  const { callIndex } = call.requested
  const opened: Event = { type: "clientToolOpened", toolCallId, name, input, callIndex, nonce, expiresAt }
  await record(context, [opened], { open: [wait] })
}

async function decide(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  approved: boolean,
): Promise<Verdict> {
  const { conversation, sessionId, tenant, userId, runtime } = context
  return runtime.gate.decide({
    tool,
    toolCallId: call.requested.toolCallId,
    input: call.input,
    session: { id: sessionId, tenant, userId },
    runId: conversation.run?.runId ?? "",
    channel: conversation.run?.started.channel ?? null,
    context: conversation.run?.started.context ?? {},
    approved,
    signal: context.signal,
  })
}

async function validate(
  { signal, runtime: { callbackTimeoutMs } }: ModelRunContext,
  tool: Tool,
  call: CallState,
): Promise<Validation> {
  try {
    const bounds = { name: `The validator of the tool ${tool.name}`, signal, timeoutMs: callbackTimeoutMs }
    return await callBounded(() => tool.validate(call.input), bounds)
  } catch (error) {
    signal.throwIfAborted()
    return { valid: false, message: `The input could not be checked: ${toError(error).message}` }
  }
}
