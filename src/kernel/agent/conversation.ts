import { emptyFingerprint, type HistoryFingerprint } from "../../core/history/history-fingerprint.ts"
import type { TurnFingerprints } from "../../core/history/history-turns.ts"
import { imageRefused } from "../../core/history/images.ts"
import type { Message, ToolMessage } from "../../core/history/messages.ts"
import { estimateJsonSize } from "../../core/json/json-size.ts"
import type { CompactionFailed } from "../../core/log/compaction.ts"
import type {
  EventEntry,
  MessageCompleted,
  StepRetried,
  ToolCallInterrupted,
  ToolCallRequested,
  WaitResolved,
} from "../../core/log/entries.ts"
import { computeEpoch } from "../../core/log/sequence.ts"
import type { TaskEnded } from "../../core/log/task-events.ts"
import { addCost, addSpending, type Cost, noSpending, type Spending } from "../../core/usage.ts"
import { Tasks, type TasksState } from "./children/tasks.ts"
import { createCorrectionRequest, createInterruptedResult } from "./conversation-notes.ts"
import { type EventMark, FoldProgress } from "./fold-progress.ts"
import { type HistoryState, MessageHistory } from "./message-history.ts"
import { TokenSizes } from "./model/token-sizes.ts"
import {
  captureRun,
  openDirectStep,
  type PlainRunState,
  type RunState,
  restoreRun,
  startRun,
} from "./run-state.ts"
import { type CallState, readOutcome } from "./tools/call-state.ts"

/** The code of a retry after a crash. */
export const interruptedByCrash = "interrupted"

/** Maximum number of different tools whose names a run remembers. */
const maxToolsUsed = 100

/** A conversation between two steps, as plain data. */
export interface ConversationState {
  readonly history: HistoryState
  /** Null if no run is open. */
  readonly run: PlainRunState | null
  readonly spent: Spending
  readonly tasks: TasksState
}

/** The folded log: the messages for a model, and the state of the open run. */
export class Conversation {
  readonly #isComplete: boolean
  /** Estimates the tokens of the messages. */
  readonly sizes = new TokenSizes()
  readonly #history = new MessageHistory()
  #run: RunState | null = null
  #spent: Spending = noSpending
  /** Background tasks of all runs. */
  readonly tasks = new Tasks()
  readonly progress: FoldProgress

  /** With `complete`, compactions do not change messages. Readers then receive all of them. */
  constructor({
    complete = false,
    last = null,
  }: { readonly complete?: boolean; readonly last?: EventMark | null } = {}) {
    this.#isComplete = complete
    this.progress = new FoldProgress(last)
  }

  /** Returns the conversation whose state was captured after the event `last`. Later events bring it up to date. */
  static restore({ history, run, spent, tasks }: ConversationState, last: EventMark): Conversation {
    const conversation = new Conversation({ last })
    conversation.#history.restore(history)
    conversation.#run = run === null ? null : restoreRun(run)
    conversation.#spent = spent
    conversation.tasks.reset(tasks)
    return conversation
  }

  /**
   * Returns the state of the conversation as plain data, which later events do not change. Returns null within a step,
   * and for a conversation for readers.
   */
  capture(): ConversationState | null {
    const run = this.#run === null ? null : captureRun(this.#run)
    const history = this.#history.capture()
    if (this.#isComplete || history === null || (this.#run !== null && run === null)) return null
    return { history, run, spent: this.#spent, tasks: this.tasks.capture() }
  }

  /** The part of the history that a compaction needs: places of messages, the last summary, and counted tokens. */
  get history(): Pick<MessageHistory, "origins" | "compacted" | "reported" | "characters"> {
    return this.#history
  }

  /**
   * Finished messages after the last compaction. The tool results of a step are one message, which exists after the
   * step has ended.
   */
  get messages(): readonly Message[] {
    return this.#history.messages
  }

  /** The messages for a model: after the summary of earlier messages, and without refused images. */
  get shownMessages(): readonly Message[] {
    return this.#history.shown
  }

  /** The fingerprint of the messages before these, as a client holds them. */
  get formerMessages(): HistoryFingerprint {
    return this.#history.compacted?.fingerprint ?? emptyFingerprint
  }

  /** Fingerprints of the last turns before these messages, in the form in which a client keeps them. */
  get formerTurns(): TurnFingerprints {
    return this.#history.compacted?.formerTurns ?? []
  }

  /** The run that has not ended. */
  get run(): RunState | null {
    return this.#run
  }

  /** Usage and cost of all runs of the session. */
  get spent(): Spending {
    return this.#spent
  }

  /** Removes and returns the messages that no later event can change. */
  takeFinished(): readonly Message[] {
    return this.#history.takeFinished()
  }

  apply(entry: EventEntry): void {
    const { event, runId, seq } = entry
    this.progress.note(entry)
    // Session events are not part of the conversation.
    if (event.type === "taskEnded") this.#endTask(event)
    if (runId === null) return
    switch (event.type) {
      case "historyReplaced":
        this.#history.replaceAll(event, seq)
        this.#spent = event.spent ?? this.#spent
        this.tasks.restore(event.tasks ?? [], null)
        return
      case "runStarted":
        // The conversation of a client may end with results of tools.
        if (event.content.length > 0) this.#history.push({ role: "user", content: event.content }, seq)
        // A reader of a long session holds few messages, so its run must not hold one either.
        this.#run = startRun(this.#isComplete ? { ...event, content: [] } : event, entry)
        return
      case "runCompleted":
      case "runFailed":
        if (this.#run !== null) this.tasks.endRun(this.#run)
        this.#history.clearSuspicions()
        this.#endStep(seq)
        this.#run = null
        return
    }
    if (this.#run === null) return
    switch (event.type) {
      case "userMessageAdded":
        this.#history.push({ role: "user", content: event.content }, seq)
        this.#run.fruitlessSteps = 0
        if (this.#run.phase.type === "ready") this.#run.phase = { type: "ready", stopReason: null }
        return
      case "compactionStarted":
        this.#run.compacting = event
        return
      case "compactionFailed":
        this.#run.compacting = null
        this.#run.failedCompactions++
        if (event.code === interruptedByCrash) this.#countCrash(entry, event)
        this.#spend(event)
        return
      case "historyCompacted":
        this.#run.compacting = null
        this.#run.failedCompactions = 0
        this.#run.compactedInStep = true
        this.#spend(event)
        // The fold may have started after the start of the session.
        this.#spent = event.spent
        this.tasks.restore(event.tasks ?? [], this.#run.runId)
        if (!this.#isComplete) this.#history.compact(event)
        return
      case "toolResultsShortened":
        this.#run.compactedInStep = true
        if (!this.#isComplete) this.#history.shortenResults(event.maxBytes)
        return
      case "stepStarted":
        this.#run.steps = event.step
        this.#run.failedCalls = 0
        this.#run.compactedInStep = false
        this.#run.phase = { type: "calling", step: event, startedAt: entry.at, attempt: 1 }
        return
      case "modelCallFailed":
        this.#run.failedCalls++
        this.#spend(event)
        return
      case "stepRetried":
        this.#run.modelIndex = event.modelIndex
        if (event.error.code === interruptedByCrash) this.#countCrash(entry, event)
        if (event.error.code === imageRefused) this.#history.suspectImages()
        if (this.#run.phase.type === "calling") this.#run.phase.attempt = event.attempt
        return
      case "messageCompleted":
        this.#spend(event)
        this.#run.fruitlessSteps = isFruitless(event) ? this.#run.fruitlessSteps + 1 : 0
        this.#history.respond(event, seq)
        this.#run.phase = { type: "settling", completed: event, calls: new Map() }
        return
      case "toolCallRequested":
        this.#request(event, seq)
        return
      case "waitOpened":
        this.#call(event.toolCallId, (call) => {
          if (event.kind !== "elicitation" || event.continuation !== null) call.state = "waiting"
          if (event.kind === "approval") {
            call.origin = event.origin ?? null
            call.qualifier = event.payload.qualifier
          }
          call.waits[event.kind] += 1
          call.wait = event
          call.openedAt = entry.at
          call.resolved = null
        })
        return
      case "waitResolved":
        this.#resolve(event)
        return
      case "toolCallStarted":
        this.#call(event.toolCallId, (call) => {
          call.state = "started"
          call.startedAt ??= entry.at
        })
        return
      case "dataEmitted":
        this.#call(event.toolCallId, (call) => {
          const { events, characters } = call.emitted
          call.emitted = { events: events + 1, characters: characters + estimateJsonSize(event.value) }
        })
        return
      case "toolCallCompleted":
        this.#call(event.toolCallId, (call) => {
          call.state = "settled"
          call.result = event.result
        })
        return
      case "toolCallInterrupted":
        if (event.reason === "crashed") this.#countCrash(entry, event)
        this.#call(event.toolCallId, (call) => {
          call.state = "settled"
          call.result = createInterruptedResult(event.reason, event.outcome)
        })
        return
      case "taskRegistered":
        this.tasks.register(event, this.#run)
        this.#run.reservedByTasks.set(event.taskId, event.reservedUsd ?? 0)
        return
      case "tasksCollected":
        this.tasks.collect(event.taskIds)
        return
      case "stepCompleted":
        this.#endStep(seq)
        // A summary before the next step counts toward that step.
        this.#run.stepSpent = noSpending
        return
      case "outputRejected":
        this.#run.outputRejections++
        this.#history.push(createCorrectionRequest(event.problem), seq)
        this.#run.phase = { type: "ready", stopReason: null }
        return
      case "runnerStateSaved":
        this.#run.runnerState = event.state
        return
      case "interceptorDecided":
        this.#call(event.toolCallId, (call) => {
          const { action, message } = event
          if (action === "warn" && message !== null) call.warnings = [...new Set([...call.warnings, message])]
        })
        return
      case "maxTurnsReached":
      case "budgetExceeded":
      case "runWithdrawn":
      case "taskEnded":
        return
      default:
        event satisfies never
    }
  }

  /** Counts one crash once, however much work it interrupted. */
  #countCrash({ seq }: EventEntry, { stoppedInOrder = false }: Interrupted): void {
    if (!stoppedInOrder) this.#run?.crashes.add(computeEpoch(seq))
  }

  #spend(spending: Spending & { readonly charged: Cost }): void {
    if (this.#run === null) return
    this.#run.charged = addCost(this.#run.charged, spending.charged)
    this.#run.spent = addSpending(this.#run.spent, spending)
    this.#run.stepSpent = addSpending(this.#run.stepSpent, spending)
    this.#spent = addSpending(this.#spent, spending)
  }

  /** A task that outlived its run adds to the cost of the session, but of no run. */
  #endTask(event: TaskEnded): void {
    const task = this.tasks.end(event)
    if (task === null) return
    const { spent, charged } = event.outcome
    if (task.runId !== this.#run?.runId) {
      this.#spent = addSpending(this.#spent, spent)
      this.tasks.charge(task, charged)
      return
    }
    this.#run.reservedByTasks.delete(task.taskId)
    this.#spend({ ...spent, charged })
  }

  #request(event: ToolCallRequested, seq: number): void {
    const isDirect = this.#run?.started.call !== undefined
    if (this.#run !== null && isDirect) openDirectStep(this.#run, event)
    if (this.#run?.phase.type !== "settling") return
    const { toolCallId, input } = event
    const call: CallState = {
      requested: event,
      state: "requested",
      input,
      origin: event.origin ?? null,
      qualifier: null,
      approval: null,
      startedAt: null,
      wait: null,
      openedAt: null,
      resolved: null,
      waits: { approval: 0, clientTool: 0, elicitation: 0, child: 0, timer: 0 },
      emitted: { events: 0, characters: 0 },
      warnings: [],
      result: null,
    }
    this.#run.phase.calls.set(toolCallId, call)
    const { toolsUsed } = this.#run
    if (toolsUsed.length < maxToolsUsed && !toolsUsed.includes(event.name))
      this.#run.toolsUsed = [...toolsUsed, event.name]
    if (!isDirect) this.#history.nameCall(event, seq)
  }

  #resolve(event: WaitResolved): void {
    if (event.kind === "child") this.#spend({ ...event.resolution.spent, charged: event.resolution.charged })
    this.#call(event.toolCallId, (call) => {
      call.resolved = event
      if (event.kind !== "approval") {
        // A call with a question continues where it stopped. A client tool's call ends with its result.
        if (call.state === "waiting" && event.kind !== "clientTool") call.state = "waited"
        return
      }
      const { approved, editedInput } = event.resolution
      call.state = approved ? "approved" : "denied"
      call.approval = event
      if (editedInput === null) return
      call.input = editedInput
      this.#history.editCall(event.toolCallId, editedInput)
    })
  }

  #call(toolCallId: string, change: (call: CallState) => void): void {
    const call = this.#run?.phase.type === "settling" ? this.#run.phase.calls.get(toolCallId) : undefined
    if (call !== undefined) change(call)
  }

  #endStep(seq: number): void {
    if (this.#run?.phase.type !== "settling") return
    const { calls, completed } = this.#run.phase
    // The model sees nothing of a call that it did not request.
    if (calls.size > 0 && this.#run.started.call === undefined)
      this.#history.push(createToolMessage([...calls.values()]), seq)
    this.#run.phase = { type: "ready", stopReason: completed.stopReason }
  }
}

type Interrupted = Pick<StepRetried | ToolCallInterrupted | CompactionFailed, "stoppedInOrder">

function isFruitless({ stopReason, message: { content } }: MessageCompleted): boolean {
  const calls = content.filter((part) => part.type === "toolCall")
  if (calls.length === 0) return stopReason === "pause"
  return calls.every(({ malformedInput }) => malformedInput !== undefined)
}

/**
 * Returns the tool message of a step. A call without a result belongs to a failed run, because a cancel marks its own
 * calls.
 */
function createToolMessage(calls: readonly CallState[]): ToolMessage {
  const inOrder = [...calls].sort((left, right) => left.requested.callIndex - right.requested.callIndex)
  return {
    role: "tool",
    results: inOrder.map((call) => ({
      toolCallId: call.requested.toolCallId,
      result: call.result ?? createInterruptedResult("failed", readOutcome(call)),
    })),
  }
}
