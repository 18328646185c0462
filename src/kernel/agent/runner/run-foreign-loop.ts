import { GatewayError, RunCancelledError } from "../../../core/errors.ts"
import type { Event } from "../../../core/log/entries.ts"
import type { RunnerDecision } from "../../../core/runs/runner.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import { interruptedByCrash } from "../conversation.ts"
import { createRetryEvent } from "../model/failed-call-cost.ts"
import type { InterruptedOutput } from "../model/interrupted-model-call.ts"
import { selectTraceparent } from "../observing/observe-event.ts"
import { type RunnerRunContext, record } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import { Transcript } from "./transcript.ts"
import { applyDecisions, isParked, takeDecisions } from "./waits.ts"

/**
 * Runs the loop of another framework, and logs its reports as the same steps, messages and calls. Text after a call's
 * result starts the next step. Resolves and rejects like `runLoop`, or rejects with the runner's error. With
 * `resumed`, the run started earlier and was parked or interrupted.
 */
export async function runForeignLoop(
  context: RunnerRunContext,
  { resumed }: { readonly resumed: boolean },
): Promise<number | null> {
  const { conversation, runtime } = context
  for (let reason: "new" | "resume" = resumed ? "resume" : "new"; ; reason = "resume") {
    const { run } = conversation
    if (run === null) return null
    let decisions: readonly RunnerDecision[] = []
    if (isParked(run)) {
      const waitsUntil = await takeDecisions(context)
      if (waitsUntil !== null) return waitsUntil
      decisions = await applyDecisions(context)
    } else if (reason === "resume") {
      if (!runtime.resumes) throw createNotResumable()
      await closeInterrupted(context)
    }
    await callRunner(context, run, { reason, decisions })
  }
}

function createNotResumable(): GatewayError {
  return new GatewayError(
    { code: "runner_not_resumable", status: 500 },
    "The server restarted, and this agent cannot resume a run.",
  )
}

/** Consumes one call of the runner. Afterwards the run has ended or is parked. */
async function callRunner(
  context: RunnerRunContext,
  { runId, started, runnerState: state }: RunState,
  call: { readonly reason: "new" | "resume"; readonly decisions: readonly RunnerDecision[] },
): Promise<void> {
  const { conversation, sessionId, tenant, userId, runtime, signal, hold, logger } = context
  await hold.untilCertain(signal)
  const { context: clientContext, channel, model } = started
  const traceparent = selectTraceparent(context, runId)
  const messages = [...conversation.shownMessages]
  const sender = { sessionId, tenant, userId, runId, context: clientContext, channel, model, traceparent }
  const { checkSchema, listTools } = runtime
  const asked = { ...sender, messages, checkSchema, listTools, logger }
  const transcript = new Transcript(context, call.decisions)
  const consume = async () => {
    for await (const event of runtime.runner({ ...asked, ...call, state, signal })) {
      signal.throwIfAborted()
      await transcript.take(event)
    }
  }
  const consuming = consume()
  try {
    await rejectOnAbort(signal, consuming)
  } catch (error) {
    if (!signal.aborted) {
      await transcript.countRest("agent_failed")
      throw error
    }
    runtime.follow(consuming)
    await transcript.settled()
    if (signal.reason instanceof RunCancelledError) {
      await transcript.keepPartialText()
      await transcript.countRest("cancelled")
    }
    throw signal.reason
  }
  signal.throwIfAborted()
  if (transcript.asks) await transcript.park()
  else await transcript.finish()
}

/**
 * Discards the text that was streaming when the run was interrupted. This comes before all else, because the run may
 * end without further events.
 */
export async function discardInterruptedText(
  context: RunnerRunContext,
  { opened }: Pick<InterruptedOutput, "opened">,
): Promise<void> {
  const { run } = context.conversation
  if (run?.phase.type !== "calling") return
  const { attempt, step } = run.phase
  const error = { code: interruptedByCrash, message: "The server stopped while the agent responded." }
  const { stoppedInOrder } = context
  const next = { step, number: attempt + 1, modelIndex: 0, retries: 0, pauseMs: 0 }
  await record(context, [{ ...createRetryEvent(next, error, opened), stoppedInOrder }])
}

/** Settles the calls that the interruption left open. Their outcome is unknown. */
async function closeInterrupted(context: RunnerRunContext): Promise<void> {
  const { stoppedInOrder, conversation } = context
  const { run } = conversation
  if (run?.phase.type !== "settling") return
  const open = [...run.phase.calls.values()].filter(({ state }) => state !== "settled")
  const interrupted = open.map(({ requested: { toolCallId, name } }): Event => {
    const why = { reason: "crashed", outcome: "unknown", stoppedInOrder } as const
    return { type: "toolCallInterrupted", toolCallId, name, ...why }
  })
  const { stepId } = run.phase.completed
  await record(context, [
    ...interrupted,
    { type: "stepCompleted", stepId, step: run.steps, ...run.stepSpent },
  ])
}
