import type { Event, InterceptorDecided } from "../core/entries.ts"
import { toError, WaitAnsweredError } from "../core/errors.ts"
import type { Verdict } from "../core/ports/gate.ts"
import type { JournalEffects } from "../core/ports/journal.ts"
import type { NewWait } from "../core/ports/session-log.ts"
import type { Tool, ToolResult, Validation } from "../core/ports/tool.ts"
import { boundResult } from "./bound-result.ts"
import { denial, invalidInput, malformedInputOf, refusal, unknownTool } from "./call-errors.ts"
import type { CallState } from "./conversation.ts"
import { executeTool } from "./execute-tool.ts"
import { type ModelRunContext, record, type SettlingContext } from "./run-context.ts"

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
      case "settled":
        return
      default:
        call.state satisfies never
    }
  }
}

async function admit(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  if (tool === undefined) return complete(context, call, unknownTool(context, call))
  const validation = malformedInputOf(context, call) ?? (await validate(tool, call))
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
  const validation = await validate(tool, call)
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
  const { toolCallId, stepId, name } = call.requested
  if (tool.executionLocation === "client") return openToClient(context, tool, call)
  await record(context, [{ type: "toolCallStarted", toolCallId }])
  const startedAt = context.clock.now()
  const result = await executeTool(context, tool, { toolCallId, stepId, input })
  if (result === "interrupted") {
    const lost = { reason: "lost", outcome: "unknown" } as const
    return record(context, [{ type: "toolCallInterrupted", toolCallId, name, ...lost }])
  }
  await complete(context, call, result, {
    durationMs: context.clock.now() - startedAt,
    server: tool.server ?? null,
  })
}

async function recover(context: ModelRunContext, tool: Tool | undefined, call: CallState): Promise<void> {
  const { toolCallId, name } = call.requested
  if (tool?.readOnly !== true && tool?.idempotent !== true) {
    await record(context, [
      { type: "toolCallInterrupted", toolCallId, name, reason: "crashed", outcome: "unknown" },
    ])
    return
  }
  const validation = await validate(tool, call)
  if (!validation.valid) return complete(context, call, invalidInput(validation.message))
  await begin(context, tool, call, validation.input)
}

async function askPerson(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  { verdict, decisions }: { readonly verdict: Verdict; readonly decisions: readonly Event[] },
): Promise<void> {
  const wait = newWait(context, tool, call, { kind: "approval", nonce: context.ids.next("nonce"), verdict })
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
  const wait = newWait(context, tool, call, { kind: "clientTool", nonce: context.ids.next("nonce") })
  const { toolCallId, toolName: name, input, nonce, expiresAt } = wait
  const { callIndex } = call.requested
  const opened: Event = { type: "clientToolOpened", toolCallId, name, input, callIndex, nonce, expiresAt }
  await record(context, [opened], { open: [wait] })
}

function newWait(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  {
    kind,
    nonce,
    verdict,
  }: { readonly kind: NewWait["kind"]; readonly nonce: string; readonly verdict?: Verdict },
): NewWait {
  const openedAt = context.clock.now()
  return {
    kind,
    nonce,
    toolCallId: call.requested.toolCallId,
    runId: context.conversation.run?.runId ?? "",
    toolName: tool.name,
    input: call.input,
    inputSchema: tool.inputSchema,
    qualifier: verdict?.qualifier ?? null,
    reason: verdict?.reason ?? null,
    openedAt,
    expiresAt: openedAt + context.runtime.approvalTimeoutMs,
  }
}

/** False when the call waits on. Of an answer and the end of its time, what the store has first counts. */
export async function takeAnswer(context: SettlingContext, call: CallState): Promise<boolean> {
  const { toolCallId } = call.requested
  const answer = context.answers.take(toolCallId)
  if (answer !== null) {
    const consume = [answer.id]
    if (answer.type === "toolResult") {
      const durationMs = Math.max(0, answer.at - (call.openedAt ?? answer.at))
      await complete(context, call, answer.result, { durationMs }, { consume })
      return true
    }
    const { approved, editedInput, reason, decidedBy } = answer
    const resolved: Event = { type: "approvalResolved", toolCallId, approved, editedInput, reason, decidedBy }
    await record(context, [resolved], { consume })
    return true
  }
  if (call.expiresAt === null || context.clock.now() < call.expiresAt) return false
  try {
    await expire(context, call)
  } catch (thrown) {
    if (!(thrown instanceof WaitAnsweredError)) throw thrown
    await context.answers.refresh()
  }
  return true
}

async function expire(context: SettlingContext, call: CallState): Promise<void> {
  const { toolCallId } = call.requested
  const effects = { expire: [toolCallId] }
  if (call.state === "awaitingClient") {
    const message = "The client did not send a result in time."
    return complete(context, call, { type: "error", code: "client_timeout", message }, {}, effects)
  }
  const nobody = { approved: false, editedInput: null, reason: null, decidedBy: null }
  await record(context, [{ type: "approvalResolved", toolCallId, ...nobody }], effects)
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
  })
}

async function validate(tool: Tool, call: CallState): Promise<Validation> {
  try {
    return await tool.validate(call.input)
  } catch (error) {
    return { valid: false, message: `The input could not be checked: ${toError(error).message}` }
  }
}

async function complete(
  context: SettlingContext,
  { requested: { toolCallId, name, executionLocation } }: CallState,
  result: ToolResult,
  { durationMs = 0, server = null }: { readonly durationMs?: number; readonly server?: string | null } = {},
  effects?: JournalEffects,
): Promise<void> {
  const bounded = boundResult(result, context.runtime.maxToolResultBytes)
  const completed = { toolCallId, name, result: bounded, durationMs, server, executionLocation }
  await record(context, [{ type: "toolCallCompleted", ...completed }], effects)
}
