import type { Event } from "../../../core/log/entries.ts"
import type { RunnerDecision, RunnerToolCall } from "../../../core/runs/runner.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type RunnerRunContext, record } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import { createDenial } from "../tools/call-errors.ts"
import { awaitsApproval, type CallState, findOpenWait } from "../tools/call-state.ts"
import { truncateResult } from "../tools/truncate-result.ts"
import { createWait, describeApprover } from "../waits/open-wait.ts"
import { takeAnswer } from "../waits/take-answer.ts"
import { createCompletionEvent, maxToolResultBytes } from "./calls.ts"

const anyObject = { type: "object" } as const
const byGrant = { via: "grant", tenant: null, userId: null, address: null } as const

/** Returns true if the runner has returned with undecided calls, and has not been called again since. */
export function isParked(run: RunState): boolean {
  return findUndelivered(run).length > 0
}

/** Asks a person about the calls, unless a grant allows their type. */
export async function askAbout(
  context: RunnerRunContext,
  toolCallId: string,
  { name: toolName, input, approval = {} }: RunnerToolCall,
): Promise<{ readonly event: Event; readonly wait: NewWait | null }> {
  const { clock, ids, runtime, sessionId } = context
  const { qualifier = null, reason = null, inputSchema = anyObject, origin = null } = approval
  const approver = approval.approvalsBy ?? runtime.approvalsBy
  if (await runtime.isGranted(sessionId, { toolName, qualifier, origin }, approver)) {
    const outcome = {
      kind: "approval",
      resolution: { approved: true, editedInput: null, reason: null },
    } as const
    const waitId = ids.next("wait")
    return { event: { type: "waitResolved", waitId, toolCallId, decidedBy: byGrant, ...outcome }, wait: null }
  }
  return createWait(context, {
    toolCallId,
    toolName,
    origin,
    asks: {
      kind: "approval",
      payload: {
        ...{ input, qualifier, reason },
        ...describeApprover(approver),
      },
    },
    answerSchema: inputSchema,
    expiresAt: clock.now() + runtime.approvalTimeoutSeconds * 1_000,
  })
}

/**
 * Logs the answers to a parked run, and the waits that expired. Resolves to null when every call is decided.
 * Otherwise resolves to the time at which the first wait expires.
 */
export async function takeDecisions(context: RunnerRunContext): Promise<number | null> {
  // A runner executes its calls itself, so there is no result to transform.
  const limits = { maxToolResultBytes, transformToolResults: [], callbackTimeoutMs: 0 }
  const settling = { ...context, runtime: { ...context.runtime, ...limits } }
  await context.answers.refresh(context.signal)
  const ends: number[] = []
  for (const call of listCalls(context.conversation.run)) {
    while (awaitsApproval(call)) {
      if (await takeAnswer(settling, call)) continue
      ends.push(findOpenWait(call)?.expiresAt ?? Number.POSITIVE_INFINITY)
      break
    }
  }
  return ends.length === 0 ? null : Math.min(...ends)
}

/**
 * Logs that the allowed calls may be executed from now on, and the outcome of the denied ones. Returns the decisions
 * for the runner.
 */
export async function applyDecisions(context: RunnerRunContext): Promise<readonly RunnerDecision[]> {
  const calls = findUndelivered(context.conversation.run)
  const decisions = calls.map(toDecision)
  await record(context, calls.map(toConsequence))
  return decisions
}

function toDecision({ state, approval, requested }: CallState): RunnerDecision {
  const id = requested.runnerCallId ?? requested.toolCallId
  const { editedInput = null, reason = null } = approval?.resolution ?? {}
  return { id, approved: state === "approved", editedInput, reason }
}

function toConsequence(call: CallState): Event {
  if (call.state === "denied")
    return createCompletionEvent(call, truncateResult(createDenial(call), maxToolResultBytes), 0)
  return { type: "toolCallStarted", toolCallId: call.requested.toolCallId }
}

/**
 * Returns the calls that were asked about and whose decisions the runner has not received, in the order of its
 * reports.
 */
function findUndelivered(run: RunState | null): readonly CallState[] {
  return listCalls(run).filter(
    (call) => awaitsApproval(call) || call.state === "approved" || call.state === "denied",
  )
}

function listCalls(run: RunState | null): readonly CallState[] {
  return run?.phase.type === "settling" ? [...run.phase.calls.values()] : []
}
