import {
  GatewayError,
  LeaseLostError,
  RunCancelledError,
  RunSteeredError,
  RunWithdrawnError,
  ShuttingDownError,
  StoreUnavailableError,
} from "../../../core/errors.ts"
import { selectFormerMessages, selectNewMessage } from "../../../core/history/message-input.ts"
import type { Ids } from "../../../core/ids.ts"
import type { Event, RunStarted } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { EndedExecution, Observer } from "../../../core/ports/observer.ts"
import type { Hold } from "../../../core/ports/run/hold.ts"
import type { MessageCommand, Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { Traces } from "../../../core/ports/traces.ts"
import { runSettingsOf } from "../../../core/runs/run-settings.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import { createSerialQueue } from "../../../core/time/serial-queue.ts"
import { noSpending } from "../../../core/usage.ts"
import type { AgentRuntime } from "../../agent/agent-runtime.ts"
import { closeInterruptedCompaction } from "../../agent/compaction/interrupted-compaction.ts"
import type { Conversation } from "../../agent/conversation.ts"
import { createFirstStep, runLoop } from "../../agent/loop.ts"
import { closeInterruptedCall } from "../../agent/model/interrupted-model-call.ts"
import { AttemptClock } from "../../agent/observing/attempt-clock.ts"
import { joinObservers } from "../../agent/observing/join-observers.ts"
import { type RunContext, record } from "../../agent/run-context.ts"
import { discardInterruptedText, runForeignLoop } from "../../agent/runner/run-foreign-loop.ts"
import { settleCancelled } from "../../agent/settle-cancelled.ts"
import { recordEnd } from "../../agent/steering.ts"
import { isKnownHistory } from "../client-history.ts"
import type { Storage } from "../storage.ts"
import type { SessionWriter } from "../writing/writer.ts"
import { limitAnnounced, withdrawIfPointless } from "./announced-runs.ts"
import { exceedsCrashLimit, maxTakeovers } from "./crash-limit.ts"
import type { Inbox } from "./inbox.ts"
import { readInterruptedOutput } from "./interrupted-output.ts"
import type { ResolveRuntime } from "./runtime-resolver.ts"

/**
 * Milliseconds that a canceled run waits for its agent, which delivers the end of the run, and knows the price of a
 * call that a crash interrupted.
 */
const agentWaitMs = 1_000

/** The parts that all runs of the process share. */
export interface RunServices {
  readonly hold: Hold
  readonly log: SessionLog
  readonly storage: Storage
  /** Names of the agents that this process serves. */
  readonly agents: readonly string[]
  readonly resolveRuntime: ResolveRuntime
  /** Returns the HTTP request with which the run was accepted, if this process accepted it. */
  readonly takeRequest: (runId: string) => (() => Request) | undefined
  readonly observers: Partial<Observer>
  readonly traces: Traces
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

export interface RunExecution {
  readonly services: RunServices
  /** Number of processes in a row that died during this run. Processes that released their session do not count. */
  readonly takeovers: number
  readonly session: Session
  readonly conversation: Conversation
  readonly writer: SessionWriter
  readonly inbox: Inbox
  readonly signal: AbortSignal
}

type Accepted = MessageCommand & { readonly id: number }
type RuntimeContext = RunContext & { readonly runtime: EndingParts }

/** The parts of an agent that take part in the end of a run, whatever ends it. */
type EndingParts = Pick<AgentRuntime, "observer" | "itemsAtEnd">

/**
 * Continues one run: a new one from its message, an open one (`message` null) from its log. Resolves to null at its
 * terminal event. If the run can only wait for answers, resolves to the time at which its first wait expires. Rejects
 * only if this process must leave the run open (lease lost, store down, shutting down), and with `RunWithdrawnError`
 * if the run was withdrawn before it started.
 */
export async function executeRun(
  execution: RunExecution,
  runId: string,
  message: Accepted | null,
): Promise<number | null> {
  execution.writer.runId = runId
  if (message !== null) await withdrawIfPointless(execution, runId)
  const endExecution = observeExecution(execution, runId, message)
  try {
    const parkUntil = await executeObserved(execution, runId, message)
    endExecution(parkUntil === null ? "ended" : "waiting")
    return parkUntil
  } catch (thrown) {
    endExecution("left")
    throw thrown
  }
}

/** Calls the observers for an execution that starts. Returns the function that reports its end. */
function observeExecution(
  { services, session, conversation }: RunExecution,
  runId: string,
  message: Accepted | null,
): (outcome: EndedExecution["outcome"]) => void {
  const { observers, clock } = services
  const { id: sessionId, tenant, userId, agent } = session
  const started = message === null ? conversation.run?.started : undefined
  const traceparent = (message ?? started)?.traceparent ?? null
  const run = { tenant, userId, agent, sessionId, runId, traceparent }
  observers.onExecutionStarted?.({ ...run, at: clock.now(), firstSpan: started?.span ?? null })
  return (outcome) => observers.onExecutionEnded?.({ ...run, at: clock.now(), outcome })
}

async function executeObserved(
  execution: RunExecution,
  runId: string,
  message: Accepted | null,
): Promise<number | null> {
  const { services, takeovers, inbox } = execution
  // Even the process that was to give up the run may have died before it did. In that case no code of the agent is
  // called.
  const runtime = takeovers > maxTakeovers + 1 ? null : await resolve(execution, runId, message)
  const context = createContext(execution, selectEndingParts(runtime))
  if (message !== null) {
    // A run that has exceeded its limit takes no further step.
    await begin(execution, context, { message, runtime, mayStep: takeovers <= maxTakeovers })
  }
  try {
    return await runOn(context, runtime, { takeovers, log: services.log, resumed: message === null })
  } catch (thrown) {
    if (!(thrown instanceof RunCancelledError)) throw thrown
    await endCancelled(context, inbox, runId)
    return null
  }
}

async function endCancelled(context: RuntimeContext, inbox: Inbox, runId: string): Promise<void> {
  for (;;) {
    const commands = await inbox.read()
    const cancels = commands.filter((command) => command.type === "cancel" && command.runId === runId)
    try {
      return await settleCancelled(context, { consume: cancels.map(({ id }) => id) })
    } catch (thrown) {
      if (!(thrown instanceof RunSteeredError)) throw thrown
    }
  }
}

function selectEndingParts(runtime: AgentRuntime | null): EndingParts {
  const { observer = null, itemsAtEnd } = runtime ?? {}
  return { observer, ...(itemsAtEnd !== undefined && { itemsAtEnd }) }
}

function createContext(execution: RunExecution, runtime: EndingParts): RuntimeContext {
  const { session, conversation, writer: journal, inbox: answers, takeovers, signal } = execution
  const { storage, agents, hold, observers, traces, clock, ids, logger } = execution.services
  const { id: sessionId, rootId: rootSessionId, tenant, userId, agent, parent, depth } = session
  const isStorageFull = async () => (await storage.limitsFor(session)).principalIsFull
  const tree = { parent, depth, agents, isStorageFull, oneByOne: createSerialQueue() }
  return {
    sessionId,
    rootSessionId,
    tree,
    tenant,
    userId,
    agent,
    conversation,
    journal,
    answers,
    acting: new Map(),
    steering: answers,
    signal,
    hold,
    observers:
      runtime.observer === null
        ? observers
        : joinObservers([{ observer: runtime.observer, agent: null }], logger, observers),
    attempts: new AttemptClock(),
    traces,
    clock,
    ids,
    logger,
    stoppedInOrder: takeovers === 0,
    runtime,
  }
}

async function resolve(
  { services, session, conversation, writer, signal }: RunExecution,
  runId: string,
  message: Accepted | null,
): Promise<AgentRuntime | null> {
  const { resolveRuntime, takeRequest, traces, logger } = services
  const source = message ?? conversation.run?.started
  const request = message === null ? undefined : takeRequest(runId)
  const setUp = async (signal: AbortSignal) =>
    resolveRuntime({
      session,
      runId,
      reason: message === null ? "resume" : "new",
      message: message === null ? (conversation.run?.started.content ?? []) : selectNewMessage(message.input),
      context: source?.context ?? {},
      channel: source?.channel ?? null,
      model: source?.model ?? null,
      traceparent: traces.traceparentOf(runId) ?? source?.traceparent ?? null,
      clientTools: source?.clientTools ?? [],
      byKeyHolder: source?.byKeyHolder ?? false,
      instructions: source?.instructions ?? null,
      role: source?.role ?? null,
      showStatus: (message) => writer.showStatus(message),
      signal,
      ...(request === undefined ? {} : { request }),
    })
  const resolving = setUp(signal)
  try {
    return await rejectOnAbort(signal, resolving)
  } catch (error) {
    if (signal.aborted && (leavesRunOpen(signal.reason) || signal.reason instanceof RunWithdrawnError))
      throw signal.reason
    // A new run was canceled before it did anything.
    if (signal.aborted) return message === null ? setUpForEnd(resolving, setUp) : null
    // The store failed, and not the agent. The next attempt sets the agent up.
    if (leavesRunOpen(error)) throw error
    logger.error(
      { error, sessionId: session.id, runId },
      "The agent could not be set up for a run. The run fails.",
    )
    return null
  }
}

/**
 * Resolves to the agent of a canceled run. If the cancel also ended its setup, sets it up again for the end of the
 * run. Rejects if the store is unavailable, so that the end of the run is not stored without its deliveries.
 */
function setUpForEnd(
  resolving: Promise<AgentRuntime>,
  setUp: (signal: AbortSignal) => Promise<AgentRuntime>,
): Promise<AgentRuntime | null> {
  const again = () => setUp(AbortSignal.timeout(agentWaitMs))
  return awaitWithin(agentWaitMs, resolving.catch(again))
}

/** Resolves to null if the work fails, or does not settle in time. Rejects if the run must stay open. */
async function awaitWithin<Value>(ms: number, work: Promise<Value>): Promise<Value | null> {
  const { promise: over, resolve: end } = Promise.withResolvers<null>()
  const timer = setTimeout(end, ms, null)
  try {
    return await Promise.race([work, over])
  } catch (error) {
    if (leavesRunOpen(error)) throw error
    return null
  } finally {
    clearTimeout(timer)
  }
}

interface Beginning {
  readonly message: Accepted
  readonly runtime: AgentRuntime | null
  readonly mayStep: boolean
}

/**
 * In one commit, logs the run's start, in most cases the start of its first step, and consumes its message. Rejects
 * with `RunWithdrawnError` if the run was withdrawn in the meantime.
 */
async function begin(
  execution: RunExecution,
  context: RuntimeContext,
  { message, runtime, mayStep }: Beginning,
): Promise<void> {
  const { session, conversation } = execution
  const { input, context: clientContext, channel, model, outputSchema } = message
  const announced = await limitAnnounced(execution, message.runId, runtime)
  const events: Event[] = []
  const former = selectFormerMessages(input)
  if (former !== null && !(await isKnownHistory(conversation, former))) {
    const tasks = conversation.tasks.open()
    const kept = { spent: conversation.spent, ...(tasks.length > 0 && { tasks }) }
    events.push({ type: "historyReplaced", messages: former, ...kept })
  }
  const span = execution.services.traces.traceparentOf(message.runId)
  const started: RunStarted = {
    type: "runStarted",
    agent: session.agent,
    revision: runtime?.revision ?? "unknown",
    content: selectNewMessage(input),
    context: clientContext,
    channel,
    model,
    // A message of an older version has no schema.
    outputSchema: outputSchema ?? null,
    ...(message.limits !== undefined && { limits: message.limits }),
    ...announced?.started,
    ...(span !== null && { span }),
    ...runSettingsOf(message),
  }
  events.push(started)
  // A message that joined a call without a model would have no response.
  const steerable = runtime?.type === "model" && message.call === undefined
  // A replaced history may have to be compacted first.
  const step =
    steerable && mayStep && events.length === 1 ? createFirstStep({ ...context, runtime }, started) : null
  if (step !== null) events.push(step)
  const outbox = announced?.outbox ?? []
  await record(context, events, { consume: [message.id], steerable, outbox })
}

async function runOn(
  context: RuntimeContext,
  runtime: AgentRuntime | null,
  {
    takeovers,
    log,
    resumed,
  }: { readonly takeovers: number; readonly log: SessionLog; readonly resumed: boolean },
): Promise<number | null> {
  const hasCrashedTooOften = exceedsCrashLimit(context.conversation.run, takeovers)
  try {
    const readOutput = () => readInterruptedOutput(log, context.sessionId, context.conversation)
    if (resumed && runtime?.type === "runner")
      await discardInterruptedText({ ...context, runtime }, await readOutput())
    if (resumed) await closeInterruptedCompaction(context)
    if (resumed && runtime?.type === "model")
      await closeInterruptedCall({ ...context, runtime }, await readOutput())
    context.signal.throwIfAborted()
    if (hasCrashedTooOften) {
      return await fail(context, "crashed_repeatedly", "The server stopped too often during this run.")
    }
    if (runtime === null) {
      return await fail(context, "runtime_failed", "The agent could not be set up for this run.")
    }
    if (runtime.type === "model") return await runLoop({ ...context, runtime })
    if (context.conversation.run?.started.call !== undefined) {
      return await fail(
        context,
        "call_not_supported",
        "This agent has a custom loop, which executes its tools itself. Only its own loop can call them.",
      )
    }
    if (context.conversation.run?.started.outputSchema != null) {
      return fail(
        context,
        "output_not_supported",
        "This agent has a custom loop, which does not accept an output schema.",
      )
    }
    return await runForeignLoop({ ...context, runtime }, { resumed })
  } catch (thrown) {
    if (leavesRunOpen(thrown) || thrown instanceof RunCancelledError) throw thrown
    const ids = { sessionId: context.sessionId, runId: context.conversation.run?.runId }
    context.logger.error({ error: thrown, ...ids }, "An unexpected error ends a run.")
    if (thrown instanceof GatewayError) return fail(context, thrown.code, thrown.message)
    return fail(context, "internal_error", "The run failed on the server.")
  }
}

/** Returns true for errors after which the run stays open for another process. */
function leavesRunOpen(thrown: unknown): boolean {
  return (
    thrown instanceof LeaseLostError ||
    thrown instanceof ShuttingDownError ||
    thrown instanceof StoreUnavailableError
  )
}

async function fail(context: RuntimeContext, code: string, message: string): Promise<null> {
  await recordEnd(context, [
    { type: "runFailed", code, message, ...(context.conversation.run?.spent ?? noSpending) },
  ])
  return null
}
