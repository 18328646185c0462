import { imageRefused, imagesOf, replaceImages } from "../core/images.ts"
import type { Json, JsonObject } from "../core/json/json.ts"
import { jsonSize } from "../core/json/json-size.ts"
import type {
  EventEntry,
  MessageCompleted,
  RunStarted,
  StepRetried,
  StepStarted,
  ToolCallInterrupted,
  ToolCallRequested,
  WaitResolved,
} from "../core/log/entries.ts"
import { epochOf } from "../core/log/sequence.ts"
import type { AssistantMessage, ImagePart, Message, ToolMessage } from "../core/messages.ts"
import type { StopReason } from "../core/ports/provider.ts"
import { addCost, addSpending, type Cost, noSpending, type Spending } from "../core/usage.ts"
import { interruptedResult, mendingRequest, refusedImageNote } from "./conversation-notes.ts"
import { type CallState, outcomeOf } from "./tools/call-state.ts"

/** The code of a retry that a crash made necessary. */
export const interruptedByCrash = "interrupted"

/** The folded log: the messages that a model is shown, and the state of the open run. */
export class Conversation {
  #messages: Message[] = []
  #run: RunState | null = null
  #spent: Spending = noSpending
  /** Number of messages that a model has responded to. */
  #accepted = 0
  /** Images that a service refused: it responded to the messages without them. */
  readonly #refused = new Set<ImagePart>()
  /** Images that the open step tries without. */
  readonly #suspected = new Set<ImagePart>()

  /** Finished messages. A step's tool results are one message, there once the step is over. */
  get messages(): readonly Message[] {
    return this.#messages
  }

  /** The messages as a model is shown them: with a note in place of each image that its service refused. */
  get shownMessages(): readonly Message[] {
    if (this.#refused.size + this.#suspected.size === 0) return this.#messages
    return replaceImages(this.#messages, (image) =>
      this.#refused.has(image) || this.#suspected.has(image)
        ? { type: "text", text: refusedImageNote }
        : image,
    )
  }

  /** The run that has not ended yet. */
  get run(): RunState | null {
    return this.#run
  }

  /** Usage and cost of all runs of the session. */
  get spent(): Spending {
    return this.#spent
  }

  /** Takes out the messages that no later event changes, which are all but the last. */
  takeFinished(): readonly Message[] {
    return this.#messages.splice(0, this.#messages.length - 1)
  }

  apply(entry: EventEntry): void {
    const { event, runId } = entry
    // Facts about the session are no part of the conversation.
    if (runId === null) return
    switch (event.type) {
      case "historyReplaced":
        this.#messages = [...event.messages]
        this.#accepted = 0
        this.#refused.clear()
        this.#spent = event.spent ?? this.#spent
        return
      case "runStarted":
        this.#messages.push({ role: "user", content: event.content })
        this.#run = {
          runId: runId ?? "",
          started: event,
          startedAt: entry.at,
          spent: noSpending,
          stepSpent: noSpending,
          charged: 0,
          failedCalls: 0,
          modelIndex: 0,
          outputRejections: 0,
          fruitlessSteps: 0,
          runnerState: null,
          steps: 0,
          crashes: new Set(),
          phase: { type: "ready", stopReason: null },
        }
        return
      case "runCompleted":
      case "runFailed":
        // The images were not the reason if the request without them failed as well.
        this.#suspected.clear()
        this.#endStep()
        this.#run = null
        return
    }
    if (this.#run === null) return
    switch (event.type) {
      case "userMessageAdded":
        this.#messages.push({ role: "user", content: event.content })
        this.#run.fruitlessSteps = 0
        if (this.#run.phase.type === "ready") this.#run.phase = { type: "ready", stopReason: null }
        return
      case "stepStarted":
        this.#run.steps = event.step
        this.#run.stepSpent = noSpending
        this.#run.failedCalls = 0
        this.#run.phase = { type: "calling", step: event, attempt: 1 }
        return
      case "modelCallFailed":
        this.#run.failedCalls++
        this.#spend(event)
        return
      case "stepRetried":
        this.#run.modelIndex = event.modelIndex
        if (event.error.code === interruptedByCrash) this.#countCrash(entry, event)
        if (event.error.code === imageRefused) this.#suspectImages()
        if (this.#run.phase.type === "calling") this.#run.phase.attempt = event.attempt
        return
      case "messageCompleted":
        this.#spend(event)
        this.#run.fruitlessSteps = isFruitless(event) ? this.#run.fruitlessSteps + 1 : 0
        if (event.message.content.length > 0) this.#messages.push(event.message)
        this.#accepted = this.#messages.length
        for (const image of this.#suspected) this.#refused.add(image)
        this.#suspected.clear()
        this.#run.phase = { type: "settling", completed: event, calls: new Map() }
        return
      case "toolCallRequested":
        this.#request(event)
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
        })
        return
      case "dataEmitted":
        this.#call(event.toolCallId, (call) => {
          const { events, characters } = call.emitted
          call.emitted = { events: events + 1, characters: characters + jsonSize(event.value) }
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
          call.result = interruptedResult(event.reason, event.outcome)
        })
        return
      case "stepCompleted":
        this.#endStep()
        return
      case "outputRejected":
        this.#run.outputRejections++
        this.#messages.push(mendingRequest(event.problem))
        this.#run.phase = { type: "ready", stopReason: null }
        return
      case "runnerStateSaved":
        this.#run.runnerState = event.state
        return
      case "interceptorDecided":
      case "maxTurnsReached":
      case "budgetExceeded":
      case "runWithdrawn":
        return
      default:
        event satisfies never
    }
  }

  /** Suspects the images that no model has responded to yet, or if they are all suspected already, all images. */
  #suspectImages(): void {
    const unseen = imagesOf(this.#messages.slice(this.#accepted)).filter(
      (image) => !this.#suspected.has(image),
    )
    for (const image of unseen.length > 0 ? unseen : imagesOf(this.#messages)) this.#suspected.add(image)
  }

  /** Once for all that one crash left undone. */
  #countCrash({ seq }: EventEntry, { stoppedInOrder = false }: StepRetried | ToolCallInterrupted): void {
    if (!stoppedInOrder) this.#run?.crashes.add(epochOf(seq))
  }

  #spend(spending: Spending & { readonly charged: Cost }): void {
    if (this.#run === null) return
    this.#run.charged = addCost(this.#run.charged, spending.charged)
    this.#run.spent = addSpending(this.#run.spent, spending)
    this.#run.stepSpent = addSpending(this.#run.stepSpent, spending)
    this.#spent = addSpending(this.#spent, spending)
  }

  #request(event: ToolCallRequested): void {
    if (this.#run?.phase.type !== "settling") return
    const { toolCallId, input } = event
    const call: CallState = {
      requested: event,
      state: "requested",
      input,
      origin: event.origin ?? null,
      qualifier: null,
      approval: null,
      wait: null,
      openedAt: null,
      resolved: null,
      waits: { approval: 0, clientTool: 0, elicitation: 0, child: 0, timer: 0 },
      emitted: { events: 0, characters: 0 },
      result: null,
    }
    this.#run.phase.calls.set(toolCallId, call)
    this.#nameCallInMessage(event)
  }

  #resolve(event: WaitResolved): void {
    if (event.kind === "child") this.#spend({ ...event.resolution.spent, charged: event.resolution.charged })
    this.#call(event.toolCallId, (call) => {
      call.resolved = event
      if (event.kind !== "approval") {
        // A call that asked from inside goes on where it is; a client tool's ends with its result.
        if (call.state === "waiting" && event.kind !== "clientTool") call.state = "waited"
        return
      }
      const { approved, editedInput } = event.resolution
      call.state = approved ? "approved" : "denied"
      call.approval = event
      if (editedInput === null) return
      call.input = editedInput
      this.#editCallInMessage(event.toolCallId, editedInput)
    })
  }

  /** The model is shown the arguments that its result belongs to. */
  #editCallInMessage(toolCallId: string, input: JsonObject): void {
    const last = this.#messages.at(-1)
    if (last?.role !== "assistant") return
    const content = last.content.map((part) =>
      part.type === "toolCall" && part.toolCallId === toolCallId ? { ...part, input } : part,
    )
    this.#messages.splice(-1, 1, { role: "assistant", content })
  }

  /** A foreign runner may report a further call after the message was logged. */
  #nameCallInMessage(event: ToolCallRequested): void {
    const last = this.#messages.at(-1)
    const message: AssistantMessage = last?.role === "assistant" ? last : { role: "assistant", content: [] }
    if (message.content.some((part) => part.type === "toolCall" && part.toolCallId === event.toolCallId))
      return
    const { toolCallId, name, input } = event
    const content = [...message.content, { type: "toolCall", toolCallId, name, input } as const]
    this.#messages.splice(message === last ? -1 : this.#messages.length, 1, { role: "assistant", content })
  }

  #call(toolCallId: string, change: (call: CallState) => void): void {
    const call = this.#run?.phase.type === "settling" ? this.#run.phase.calls.get(toolCallId) : undefined
    if (call !== undefined) change(call)
  }

  #endStep(): void {
    if (this.#run?.phase.type !== "settling") return
    const { calls, completed } = this.#run.phase
    if (calls.size > 0) this.#messages.push(toolMessage([...calls.values()]))
    this.#run.phase = { type: "ready", stopReason: completed.stopReason }
  }
}

/** An open run. It changes only by `Conversation.apply`. */
export interface RunState {
  readonly runId: string
  readonly started: RunStarted
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  spent: Spending
  /** The amount that counts against the run's budget so far. */
  charged: Cost
  /** Usage and cost of the newest step, failed model calls included. */
  stepSpent: Spending
  /** The state that a runner saved last. */
  failedCalls: number
  /** Index of the model in use among the agent's models; those before it have failed. */
  modelIndex: number
  /** Answers that did not fit the schema asked for. */
  outputRejections: number
  /** The last steps in a row that brought nothing on: the model paused, or no call it asked for could be read. */
  fruitlessSteps: number
  /** The state that a runner saved last. */
  runnerState: Json
  /** Steps begun. */
  steps: number
  /** Epochs that began with what a crash had left behind. */
  readonly crashes: Set<number>
  phase: RunPhase
}

export type RunPhase =
  /** Between steps; `stopReason` is the last step's, null before the first. */
  | { readonly type: "ready"; readonly stopReason: StopReason | null }
  /** A model call was announced and has not been answered. */
  | { readonly type: "calling"; readonly step: StepStarted; attempt: number }
  /** The model has answered; its calls, if any, are settled one by one. */
  | {
      readonly type: "settling"
      readonly completed: MessageCompleted
      readonly calls: Map<string, CallState>
    }

function isFruitless({ stopReason, message: { content } }: MessageCompleted): boolean {
  const calls = content.filter((part) => part.type === "toolCall")
  if (calls.length === 0) return stopReason === "pause"
  return calls.every(({ malformedInput }) => malformedInput !== undefined)
}

/** A call without a result is that of a run that failed: a cancel marks its own. */
function toolMessage(calls: readonly CallState[]): ToolMessage {
  const inOrder = [...calls].sort((left, right) => left.requested.callIndex - right.requested.callIndex)
  return {
    role: "tool",
    results: inOrder.map((call) => ({
      toolCallId: call.requested.toolCallId,
      result: call.result ?? interruptedResult("failed", outcomeOf(call)),
    })),
  }
}
