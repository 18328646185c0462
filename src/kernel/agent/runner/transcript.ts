import { GatewayError } from "../../../core/errors.ts"
import type { AssistantPart } from "../../../core/history/messages.ts"
import type { Json } from "../../../core/json/json.ts"
import type { Event, MessageCompleted, StepStarted } from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { RunnerDecision, RunnerEvent, RunnerToolCall } from "../../../core/runs/runner.ts"
import { addSpending, noSpending, type Spending } from "../../../core/usage.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type RunnerRunContext, record } from "../run-context.ts"
import { recordEnd } from "../steering.ts"
import type { CallState } from "../tools/call-state.ts"
import { truncateResult } from "../tools/truncate-result.ts"
import {
  callPart,
  createCompletionEvent,
  createRequestEvent,
  maxToolResultBytes,
  toPlainJson,
} from "./calls.ts"
import { checkEvent } from "./check-event.ts"
import { askAbout } from "./waits.ts"

/** Maximum characters of one state as JSON. The log keeps every saved state. */
const maxStateCharacters = 4_000_000

type OpenStep = Pick<StepStarted, "stepId" | "messageId">

/**
 * Logs the reports of a runner until it returns. Tracks the open step, its text so far, and the calls that wait for
 * their result.
 */
export class Transcript {
  readonly #context: RunnerRunContext
  /** The runner's ids of calls whose result came from the gateway: the call was denied, or text followed it. */
  readonly #closed: Set<string>
  readonly #startedAt = new Map<string, number>()
  readonly #begunAt: number
  #step: OpenStep | null
  #parts: AssistantPart[] = []
  #streamedFrom: number | null = null
  /** Calls that a person must allow. They are logged when the runner returns. */
  #asking: RunnerToolCall[] = []
  /** The spending that was reported after the last logged message. */
  #spending: Spending = noSpending
  #model = "runner"
  #taking: Promise<void> = Promise.resolve()

  constructor(context: RunnerRunContext, decisions: readonly RunnerDecision[]) {
    this.#context = context
    this.#closed = new Set(decisions.filter(({ approved }) => !approved).map(({ id }) => id))
    this.#begunAt = context.clock.now()
    this.#step = openStepOf(context)
  }

  /** If true, the runner has reported calls that a person must allow. */
  get asks(): boolean {
    return this.#asking.length > 0
  }

  take(event: RunnerEvent): Promise<void> {
    this.#taking = this.#take(event)
    return this.#taking
  }

  /** Resolves after started writes have settled. Later reports of a canceled runner are not written. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#taking])
  }

  async #take(event: RunnerEvent): Promise<void> {
    this.#context.signal.throwIfAborted()
    checkEvent(event)
    switch (event.type) {
      case "text":
      case "thinking":
        return this.#say(event)
      case "toolCall":
        return event.approval === undefined ? this.#begin(event) : this.#ask(event)
      case "toolResult":
        return this.#settle(event.id, event.result)
      case "usage":
        return this.#spend(event)
      case "state":
        return this.#save(event.state)
      default:
        event satisfies never
    }
  }

  async finish(): Promise<void> {
    if (this.#calls().length > 0) await this.#endStep()
    const says = this.#parts.length > 0 || this.#spending !== noSpending
    if (says || this.#context.conversation.run?.steps === 0) await this.#openStep()
    if (this.#step !== null) await this.#record([this.#completedMessage(this.#step, [])])
    await this.#endStep()
    const spent = this.#context.conversation.run?.spent ?? noSpending
    this.#context.signal.throwIfAborted()
    await recordEnd(this.#context, [
      { type: "runCompleted", disposition: "completed", reason: null, ...spent },
    ])
  }

  /**
   * Logs the waits of all calls that a person must allow in one commit, so that the log alone shows that the run is
   * parked.
   */
  async park(): Promise<void> {
    if (this.#calls().length > 0 && this.#openCalls().length === 0) await this.#endStep()
    const step = await this.#openStep()
    const events: Event[] = []
    const open: NewWait[] = []
    const parts: AssistantPart[] = []
    const known = this.#calls().length
    for (const call of this.#asking) {
      let requested = this.#openCall(call.id)?.requested
      if (requested === undefined) {
        requested = createRequestEvent(this.#context, step, { call, callIndex: known + parts.length })
        parts.push(callPart(requested))
        events.push(requested)
      }
      const { event, wait } = await askAbout(this.#context, requested.toolCallId, call)
      events.push(event)
      if (wait !== null) open.push(wait)
    }
    // The message of earlier calls is logged already. The spending since then is part of the same commit.
    const message = known > 0 ? this.#rest("parked") : [this.#completedMessage(step, parts)]
    await this.#record([...message, ...events], { open })
  }

  /** Logs the text of a cancelled run that subscribers have seen. */
  async keepPartialText(): Promise<void> {
    if (this.#step === null || this.#parts.length === 0 || this.#calls().length > 0) return
    await record(this.#context, [{ ...this.#completedMessage(this.#step, []), stopReason: "cancelled" }])
  }

  /** Logs the cost of calls whose response will not be logged, because they have been paid for. */
  async countRest(code: string): Promise<void> {
    const rest = this.#rest(code)
    if (rest.length > 0) await record(this.#context, rest)
  }

  #rest(code: string): readonly Event[] {
    if (this.#step === null || this.#spending === noSpending) return []
    const { stepId } = this.#step
    const attempt = (this.#context.conversation.run?.failedCalls ?? 0) + 1
    const spending = { model: this.#model, ...this.#spending, charged: this.#spending.cost, estimated: false }
    this.#spending = noSpending
    return [{ type: "modelCallFailed", stepId, attempt, code, ...spending }]
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

  async #begin(call: RunnerToolCall): Promise<void> {
    if (this.#calls().length > 0 && this.#openCalls().length === 0) await this.#endStep()
    const step = await this.#openStep()
    const callIndex = this.#calls().length
    const requested = createRequestEvent(this.#context, step, { call, callIndex })
    const { toolCallId } = requested
    const message = callIndex > 0 ? [] : [this.#completedMessage(step, [callPart(requested)])]
    await this.#record([...message, requested, { type: "toolCallStarted", toolCallId }])
    // A runner that reports a call before it executes it continues only after this.
    await this.#context.hold.untilCertain(this.#context.signal)
    this.#startedAt.set(toolCallId, this.#context.clock.now())
  }

  #ask(call: RunnerToolCall): void {
    if (this.#asking.some(({ id }) => id === call.id)) {
      throw new Error(`The runner asked twice about the call ${JSON.stringify(call.id)}.`)
    }
    this.#asking.push({ ...call, input: toPlainJson(call.input) })
  }

  async #settle(id: string, result: ToolResult): Promise<void> {
    const call = this.#asking.some((asked) => asked.id === id) ? undefined : this.#openCall(id)
    if (call === undefined) {
      if (this.#closed.has(id)) return
      throw new Error(`The runner reported a result for ${JSON.stringify(id)}, which is not an open call.`)
    }
    const { toolCallId } = call.requested
    const durationMs = this.#context.clock.now() - (this.#startedAt.get(toolCallId) ?? this.#begunAt)
    const bounded = truncateResult(toPlainJson(result), maxToolResultBytes)
    await this.#record([createCompletionEvent(call, bounded, durationMs)])
  }

  #spend({ usage, model = this.#model, priceList }: Extract<RunnerEvent, { type: "usage" }>): void {
    const cost = this.#context.runtime.pricing.cost({ priceList, model, usage })
    this.#spending = addSpending(this.#spending, { usage, cost })
    this.#model = model
  }

  async #save(state: Json): Promise<void> {
    const saved = toPlainJson(state)
    if (JSON.stringify(saved).length > maxStateCharacters) {
      const kind = { code: "runner_state_too_large", status: 500 }
      throw new GatewayError(kind, "The agent's state is too large to store.")
    }
    await this.#record([{ type: "runnerStateSaved", state: saved }])
  }

  async #openStep(): Promise<OpenStep> {
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
    const { run } = this.#context.conversation
    if (this.#step === null || run === null) return
    const code = "no_result"
    const missing: ToolResult = { type: "error", code, message: "The runner reported no result." }
    const { stepId } = this.#step
    const open = this.#openCalls()
    for (const { requested } of open) this.#closed.add(requested.runnerCallId ?? "")
    await this.#record([
      ...open.map((call) => createCompletionEvent(call, missing, 0)),
      { type: "stepCompleted", stepId, step: run.steps, ...run.stepSpent },
    ])
    this.#step = null
    this.#parts = []
    this.#streamedFrom = null
  }

  #completedMessage({ stepId, messageId }: OpenStep, calls: readonly AssistantPart[]): MessageCompleted {
    const spending = this.#spending
    this.#spending = noSpending
    return {
      type: "messageCompleted",
      stepId,
      messageId,
      message: { role: "assistant", content: [...this.#parts, ...calls] },
      model: this.#model,
      ...spending,
      charged: spending.cost,
      estimated: false,
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

  #openCall(runnerCallId: string): CallState | undefined {
    return this.#openCalls().find(({ requested }) => requested.runnerCallId === runnerCallId)
  }

  async #record(...[events, effects]: JournalArguments): Promise<void> {
    this.#context.signal.throwIfAborted()
    await record(this.#context, events, effects)
  }
}

type JournalArguments = [events: readonly Event[], effects?: { readonly open: readonly NewWait[] }]

/** Returns the step whose calls were decided, or whose response an earlier lease had started. */
function openStepOf(context: RunnerRunContext): OpenStep | null {
  const phase = context.conversation.run?.phase
  if (phase?.type === "settling") return phase.completed
  return phase?.type === "calling" ? phase.step : null
}
