import type { ModelRunContext } from "../run-context.ts"
import { arrivalUntil, isWaitOver } from "../waits/take-answer.ts"
import { type CallState, openWaitOf } from "./call-state.ts"
import { settleCall } from "./settle-call.ts"

/** Calls of one message that run at once; further ones wait for a place. */
const maxConcurrentCalls = 16

/**
 * Settles the calls of one message, each independently of the others and as soon as it may, but for a `sequential`
 * tool, which runs alone. Resolves to null when all are settled, or, when nothing can go on before somebody answers, to
 * the time at which the first of the waits is over. Rejects only when the attempt itself cannot go on.
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
  /** Looked at, and waiting for an answer that is not there. */
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

  /** A call whose answer has come, or whose time is over, waits no longer; it goes on as soon as it may. */
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

  /** Returns true if the call, or a call that runs already, must run alone. */
  #mustWaitForOthers(call: CallState): boolean {
    if (this.#running.size === 0) return false
    return [call, ...this.#running.keys()].some((other) => this.#isSequential(other))
  }

  #isSequential({ requested: { name } }: CallState): boolean {
    return this.#context.runtime.tools.some((tool) => tool.name === name && tool.sequential === true)
  }

  /** Never rejects: a failure is thrown once no call is left running unobserved. */
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

  /** A call came to its end, another answer arrived, or the time of a wait is over. */
  async #nextChange(): Promise<void> {
    // After a failure nothing is begun any more, so only the end of what runs is waited for.
    if (this.#failure !== null) return Promise.race(this.#running.values())
    const over = new AbortController()
    const arrival = arrivalUntil(this.#context, this.#firstEnd(), over.signal)
    try {
      await Promise.race([...this.#running.values(), arrival])
    } finally {
      over.abort()
    }
  }

  #firstEnd(): number {
    return Math.min(
      ...[...this.#waiting].map((call) => openWaitOf(call)?.expiresAt ?? Number.POSITIVE_INFINITY),
    )
  }
}
