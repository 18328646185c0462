import type { RunnerEvent, RunnerRequest, RunnerRuntime } from "../core/agent-runtime.ts"
import type { Event, MessageCompleted, StepStarted } from "../core/entries.ts"
import { RunCancelledError } from "../core/errors.ts"
import type { AssistantPart } from "../core/messages.ts"
import type { ToolResult } from "../core/ports/tool.ts"
import { addUsage, noUsage, type Usage } from "../core/usage.ts"
import { boundResult } from "./bound-result.ts"
import { type CallState, interruptedByCrash } from "./conversation.ts"
import { type RunContext, record } from "./run-context.ts"
import { untilAborted } from "./until-aborted.ts"

/** Of one call's result, past which it is cut: it is another framework's to bound, and only kept here. */
const maxResultBytes = 1_000_000

export interface RunnerRunContext extends RunContext {
  readonly runtime: RunnerRuntime
}

/**
 * Runs somebody else's loop and writes down what it reports, as the same steps, messages and calls.
 * Text after a call's result begins the next step. Rejects like `runLoop`, or with what the runner throws.
 */
export async function runForeignLoop(
  context: RunnerRunContext,
  request: Omit<RunnerRequest, "signal">,
): Promise<void> {
  const transcript = new Transcript(context)
  if (request.reason === "resume") await transcript.resume()
  const consume = async () => {
    for await (const event of context.runtime.runner({ ...request, signal: context.signal })) {
      context.signal.throwIfAborted()
      await transcript.take(event)
    }
  }
  try {
    await untilAborted(context.signal, consume())
  } catch (error) {
    if (!context.signal.aborted) throw error
    await transcript.settled()
    if (context.signal.reason instanceof RunCancelledError) await transcript.keepPartialText()
    throw context.signal.reason
  }
  context.signal.throwIfAborted()
  await transcript.finish()
}

/** The open step of a foreign run: its text so far, and which calls wait for their result. */
class Transcript {
  readonly #context: RunnerRunContext
  readonly #callIds = new Map<string, string>()
  #step: StepStarted | null = null
  #parts: AssistantPart[] = []
  #streamedFrom: number | null = null
  /** Reported since the last message was logged. */
  #usage: Usage = noUsage
  #stepUsage: Usage = noUsage
  #model = "runner"
  #taking: Promise<void> = Promise.resolve()

  constructor(context: RunnerRunContext) {
    this.#context = context
  }

  /** Closes what a former process left open: its text is void, its calls have an unknown outcome. */
  async resume(): Promise<void> {
    const phase = this.#context.conversation.run?.phase
    if (phase?.type === "calling") {
      this.#step = phase.step
      const error = { code: interruptedByCrash, message: "The server stopped while the agent answered." }
      const { stepId } = phase.step
      await this.#record([{ type: "stepRetried", stepId, attempt: phase.attempt + 1, error }])
    }
    if (phase?.type !== "settling") return
    const interrupted = this.#openCalls().map(({ requested: { toolCallId, name } }): Event => {
      return { type: "toolCallInterrupted", toolCallId, name, reason: "crashed", outcome: "unknown" }
    })
    const { stepId, usage } = phase.completed
    const step = this.#context.conversation.run?.steps ?? 1
    await this.#record([...interrupted, { type: "stepCompleted", stepId, step, usage }])
  }

  take(event: RunnerEvent): Promise<void> {
    this.#taking = this.#take(event)
    return this.#taking
  }

  /** Resolves once what was begun is written; what a cancelled runner still yields is not. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#taking])
  }

  async #take(event: RunnerEvent): Promise<void> {
    this.#context.signal.throwIfAborted()
    switch (event.type) {
      case "text":
      case "thinking":
        return this.#say(event)
      case "toolCall":
        return this.#request(event)
      case "toolResult":
        return this.#settle(event.id, event.result)
      case "usage":
        this.#usage = addUsage(this.#usage, event.usage)
        this.#model = event.model ?? this.#model
        return
      default:
        event satisfies never
    }
  }

  async finish(): Promise<void> {
    const step = await this.#openStep()
    if (this.#calls().length === 0) await this.#record([this.#completedMessage(step, [])])
    await this.#endStep()
    const usage = addUsage(this.#context.conversation.run?.usage ?? noUsage, this.#usage)
    await this.#record([{ type: "runCompleted", disposition: "completed", reason: null, usage }])
  }

  /** What the viewers have seen of a cancelled run stays said. */
  async keepPartialText(): Promise<void> {
    if (this.#step === null || this.#parts.length === 0 || this.#calls().length > 0) return
    await record(this.#context, [{ ...this.#completedMessage(this.#step, []), stopReason: "cancelled" }])
  }

  async #say({ type, text }: { readonly type: "text" | "thinking"; readonly text: string }): Promise<void> {
    if (text === "") return
    if (this.#calls().length > 0) await this.#endStep()
    const { stepId, messageId } = await this.#openStep()
    this.#context.signal.throwIfAborted()
    const last = this.#parts.at(-1)
    if (last?.type === type) this.#parts.splice(-1, 1, { type, text: last.text + text })
    else this.#parts.push({ type, text })
    const part = this.#parts.length - 1
    const delta = type === "text" ? "textDelta" : "thinkingDelta"
    const seq = this.#context.journal.emit({ type: delta, stepId, messageId, part, text })
    this.#streamedFrom ??= seq
  }

  async #request({ id, name, ...call }: Extract<RunnerEvent, { type: "toolCall" }>): Promise<void> {
    const input = plainJson(call.input)
    if (this.#calls().length > 0 && this.#openCalls().length === 0) await this.#endStep()
    const step = await this.#openStep()
    const toolCallId = this.#context.ids.next("call")
    this.#callIds.set(id, toolCallId)
    const callIndex = this.#calls().length
    const requested: Event = {
      type: "toolCallRequested",
      stepId: step.stepId,
      toolCallId,
      name,
      input,
      callIndex,
      executionLocation: "backend",
    }
    const message =
      callIndex > 0 ? [] : [this.#completedMessage(step, [{ type: "toolCall", toolCallId, name, input }])]
    await this.#record([...message, requested, { type: "toolCallStarted", toolCallId }])
  }

  async #settle(id: string, result: ToolResult): Promise<void> {
    const toolCallId = this.#callIds.get(id)
    const call = this.#openCalls().find(({ requested }) => requested.toolCallId === toolCallId)
    if (call === undefined)
      throw new Error(`The runner reported a result for ${JSON.stringify(id)}, which is no open call.`)
    const { name, executionLocation } = call.requested
    const { toolCallId: settled } = call.requested
    const bounded = boundResult(plainJson(result), maxResultBytes)
    await this.#record([
      {
        type: "toolCallCompleted",
        toolCallId: settled,
        name,
        result: bounded,
        durationMs: 0,
        server: null,
        executionLocation,
      },
    ])
  }

  async #openStep(): Promise<StepStarted> {
    if (this.#step !== null) return this.#step
    const step: StepStarted = {
      type: "stepStarted",
      stepId: this.#context.ids.next("step"),
      messageId: this.#context.ids.next("msg"),
      step: (this.#context.conversation.run?.steps ?? 0) + 1,
    }
    this.#step = step
    await this.#record([step])
    return step
  }

  async #endStep(): Promise<void> {
    const step = this.#step
    if (step === null) return
    const missing: ToolResult = {
      type: "error",
      code: "no_result",
      message: "The runner reported no result.",
    }
    for (const { requested } of this.#openCalls()) {
      const { toolCallId, name, executionLocation } = requested
      const settled = { toolCallId, name, result: missing, durationMs: 0, server: null, executionLocation }
      await this.#record([{ type: "toolCallCompleted", ...settled }])
    }
    await this.#record([
      { type: "stepCompleted", stepId: step.stepId, step: step.step, usage: this.#stepUsage },
    ])
    this.#step = null
    this.#parts = []
    this.#streamedFrom = null
    this.#stepUsage = noUsage
  }

  #completedMessage({ stepId, messageId }: StepStarted, calls: readonly AssistantPart[]): MessageCompleted {
    this.#stepUsage = this.#usage
    this.#usage = noUsage
    return {
      type: "messageCompleted",
      stepId,
      messageId,
      message: { role: "assistant", content: [...this.#parts, ...calls] },
      model: this.#model,
      usage: this.#stepUsage,
      stopReason: calls.length > 0 ? "toolCalls" : "end",
      streamedFrom: this.#streamedFrom,
    }
  }

  #calls(): readonly CallState[] {
    const phase = this.#context.conversation.run?.phase
    return phase?.type === "settling" ? [...phase.calls.values()] : []
  }

  #openCalls(): readonly CallState[] {
    return this.#calls().filter((call) => call.state !== "settled")
  }

  async #record(events: readonly Event[]): Promise<void> {
    this.#context.signal.throwIfAborted()
    await record(this.#context, events)
  }
}

/** As JSON has it. Throws for what JSON cannot hold: the runner's mistake, and not to be found out by the store. */
function plainJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value ?? null)) as Value
}
