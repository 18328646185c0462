import type { ModelRunContext } from "../run-context.ts"
import { isWaitOver, waitForArrival } from "../waits/take-answer.ts"
import { type CallState, findOpenWait } from "./call-state.ts"
import { settleCall } from "./settle-call.ts"

/** Maximum number of concurrent calls of one message. Further calls wait. */
const maxConcurrentCalls = 16

/**
 * Settles the calls of one message independently of each other. A `sequential` tool runs alone. Resolves to null when
 * all calls are settled. If no call can continue before an answer, resolves to the time at which the first wait
 * expires. Rejects only if the execution itself cannot continue.
 */
export async function dispatchCalls(
  context: ModelRunContext,
  calls: readonly CallState[],
): Promise<number | null> {
  return new Dispatch(context, calls).run()
}

class Dispatch {
  readonly #context: ModelRunContext
  readonly #calls: readonly CallState[]
  readonly #running = new Map<CallState, Promise<void>>()
  /** Calls that wait for an answer that has not arrived. */
  readonly #waiting = new Set<CallState>()
  #failure: { readonly reason: unknown } | null = null

  constructor(context: ModelRunContext, calls: readonly CallState[]) {
    this.#context = context
    this.#calls = calls
  }

  async run(): Promise<number | null> {
    await this.#context.answers.refresh(this.#context.signal)
    for (;;) {
      this.#lookAtWaits()
      if (this.#failure === null) this.#startWhatMay()
      if (this.#running.size === 0) break
      await this.#nextChange()
    }
    if (this.#failure !== null) throw this.#failure.reason
    return this.#waiting.size === 0 ? null : this.#firstEnd()
  }

  /** Removes calls from the waiting ones if their answer has arrived or their wait has expired. */
  #lookAtWaits(): void {
    for (const call of this.#waiting) if (isWaitOver(this.#context, call)) this.#waiting.delete(call)
  }

  #startWhatMay(): void {
    for (const call of this.#calls) {
      if (call.state === "settled" || this.#running.has(call) || this.#waiting.has(call)) continue
      if (this.#running.size >= maxConcurrentCalls || this.#mustWaitForOthers(call)) return
      this.#running.set(call, this.#settle(call))
    }
  }

  /** Returns true if the call, or a running call, must run alone. */
  #mustWaitForOthers(call: CallState): boolean {
    if (this.#running.size === 0) return false
    return [call, ...this.#running.keys()].some((other) => this.#isSequential(other))
  }

  #isSequential({ requested: { name } }: CallState): boolean {
    return this.#context.runtime.listTools().some((tool) => tool.name === name && tool.sequential === true)
  }

  /** Never rejects. A failure is thrown after all running calls have settled. */
  async #settle(call: CallState): Promise<void> {
    try {
      await settleCall(this.#context, call)
      if (call.state !== "settled") this.#waiting.add(call)
    } catch (reason) {
      this.#failure ??= { reason }
    } finally {
      this.#running.delete(call)
    }
  }

  /** Resolves when a call has ended, another answer has arrived, or a wait has expired. */
  async #nextChange(): Promise<void> {
    // After a failure no call is started, so only the running calls are awaited.
    if (this.#failure !== null) return Promise.race(this.#running.values())
    const ending = new AbortController()
    const arrival = waitForArrival(this.#context, this.#firstEnd(), ending.signal)
    try {
      await Promise.race([...this.#running.values(), arrival])
    } finally {
      ending.abort()
    }
  }

  #firstEnd(): number {
    return Math.min(
      ...[...this.#waiting].map((call) => findOpenWait(call)?.expiresAt ?? Number.POSITIVE_INFINITY),
    )
  }
}
