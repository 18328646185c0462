import { untilAborted } from "../../agent/until-aborted.ts"
import { StoreUnavailableError } from "../../core/errors.ts"
import type { Answer, Answers } from "../../core/ports/answers.ts"
import type { PendingOptions, TaskEndCommand, WithdrawCommand } from "../../core/ports/inbox.ts"
import type { Command, Lease, SessionLog } from "../../core/ports/session-log.ts"
import type { Steering, SteeringMessage } from "../../core/ports/steering.ts"
import { sleep } from "../../core/time/sleep.ts"

export type TaskEnd = TaskEndCommand & { readonly id: number }

export type Withdrawal = WithdrawCommand & { readonly id: number }

/** Pause before the inbox of a store that was unavailable is read again. */
const retryMs = 250

/** The session's inbox, as its one writer sees it. Tells a running attempt of cancels and answers. */
export class Inbox implements Answers, Steering {
  readonly #log: SessionLog
  readonly #lease: Lease
  /** Not taken yet, by tool call. */
  readonly #answers = new Map<string, Answer>()
  /** Messages that wait to join the open run. */
  #steering: SteeringMessage[] = []
  /**
   * Ids of answers and steering messages that were taken; they stay in the store's inbox until the commit that acts
   * on them.
   */
  readonly #taken = new Set<number>()
  readonly #listeners = new Set<() => void>()
  /** Readings begun, and the newest of them that has ended. */
  #begun = 0
  #newest = 0
  #onCancel: ((runId: string) => void) | null = null
  #onWithdrawal: ((command: Withdrawal) => void) | null = null
  #onTaskEnd: ((command: TaskEnd) => void) | null = null

  constructor(log: SessionLog, lease: Lease) {
    this.#log = log
    this.#lease = lease
  }

  /** Calls the listener with each withdrawal that is found, perhaps more than once. */
  onWithdrawal(listener: (command: Withdrawal) => void): void {
    this.#onWithdrawal = listener
  }

  /** Calls the listener with the end of each background task that is found, perhaps more than once. */
  onTaskEnd(listener: (command: TaskEnd) => void): void {
    this.#onTaskEnd = listener
  }

  /** Lets those who wait for an arrival look again. */
  wake(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Called with each cancel that is found, until the returned function is. */
  onCancel(listener: (runId: string) => void): () => void {
    this.#onCancel = listener
    return () => {
      this.#onCancel = null
    }
  }

  /** Reads what concerns the open run, and returns it as `SessionLog.pending` does. */
  read(): Promise<readonly Command[]> {
    return this.#read({ messages: false })
  }

  /** Like `read`, with the message that is taken next. */
  readWithMessage(): Promise<readonly Command[]> {
    return this.#read({ messages: true })
  }

  async #read(options: PendingOptions): Promise<readonly Command[]> {
    const reading = ++this.#begun
    const commands = await this.#log.pending(this.#lease, options)
    // A store with several connections may answer in another order than it was asked: what is newer stays known.
    if (reading < this.#newest) return commands
    this.#newest = reading
    const known = new Set([...this.#answers.values()].map(({ id }) => id))
    this.#answers.clear()
    this.#steering = []
    let isNew = false
    for (const command of commands) {
      if (command.type === "cancel") this.#onCancel?.(command.runId)
      if (command.type === "withdraw") this.#onWithdrawal?.(command)
      if (command.type === "taskEnd") this.#onTaskEnd?.(command)
      if (this.#taken.has(command.id)) continue
      if (command.type === "steer") this.#steering.push(command)
      if (command.type !== "answer") continue
      this.#answers.set(command.toolCallId, command)
      isNew ||= !known.has(command.id)
    }
    if (isNew) this.wake()
    return commands
  }

  has(toolCallId: string): boolean {
    return this.#answers.has(toolCallId)
  }

  async refresh(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await untilAborted(signal, this.read())
        return
      } catch (error) {
        // A run outlasts an outage of the store.
        if (!(error instanceof StoreUnavailableError)) throw error
        await sleep(retryMs, signal)
        signal.throwIfAborted()
      }
    }
  }

  take(toolCallId: string): Answer | null {
    const answer = this.#answers.get(toolCallId)
    if (answer === undefined) return null
    this.#answers.delete(toolCallId)
    this.#taken.add(answer.id)
    return answer
  }

  waiting(): readonly SteeringMessage[] {
    return this.#steering
  }

  joined(ids: readonly number[]): void {
    for (const id of ids) this.#taken.add(id)
    this.#steering = this.#steering.filter(({ id }) => !this.#taken.has(id))
  }

  arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const arrived = () => {
        this.#listeners.delete(arrived)
        signal.removeEventListener("abort", arrived)
        resolve()
      }
      this.#listeners.add(arrived)
      signal.addEventListener("abort", arrived, { once: true })
    })
  }
}
