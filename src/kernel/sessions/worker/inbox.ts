import { StoreUnavailableError } from "../../../core/errors.ts"
import type { Answer, Answers } from "../../../core/ports/run/answers.ts"
import type { Steering, SteeringMessage } from "../../../core/ports/run/steering.ts"
import type { PendingOptions, TaskEndCommand, WithdrawCommand } from "../../../core/ports/store/inbox.ts"
import type { Command, Lease, SessionLog } from "../../../core/ports/store/session-log.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import { sleep } from "../../../core/time/sleep.ts"

export type TaskEnd = TaskEndCommand & { readonly id: number }

export type Withdrawal = WithdrawCommand & { readonly id: number }

type ReceivedAnswer = Extract<Command, { readonly type: "answer" }>

/** Most sessions have no commands but messages, so they share this map. */
const noCommands: ReadonlyMap<number, Command> = new Map()

/** Milliseconds before another read if the store was unavailable. */
const retryMs = 250

/** The session's inbox for its one writer. It notifies the running work of cancels and answers. */
export class Inbox implements Answers, Steering {
  readonly #log: SessionLog
  readonly #lease: Lease
  /** Answers that were not taken. */
  #answers: readonly ReceivedAnswer[] = []
  /** Messages that wait to join the open run. */
  #steering: readonly SteeringMessage[] = []
  /**
   * Ids of answers and steering messages that were taken. They stay in the store's inbox until the commit that acts
   * on them.
   */
  readonly #taken = new Set<number>()
  /** All commands of the newest read, except messages, by id. A later read does not read their contents again. */
  #known: ReadonlyMap<number, Command> = noCommands
  readonly #listeners = new Set<() => void>()
  /** Number of started reads, and the newest of them that has ended. */
  #begun = 0
  #newest = 0
  #onCancel: ((runId: string) => void) | null = null
  #onWithdrawal: ((command: Withdrawal) => void) | null = null
  #onTaskEnd: ((command: TaskEnd) => void) | null = null

  constructor(log: SessionLog, lease: Lease) {
    this.#log = log
    this.#lease = lease
  }

  /** Calls the listener with each withdrawal, possibly more than once. */
  onWithdrawal(listener: (command: Withdrawal) => void): void {
    this.#onWithdrawal = listener
  }

  /** Calls the listener with the end of each background task, possibly more than once. */
  onTaskEnd(listener: (command: TaskEnd) => void): void {
    this.#onTaskEnd = listener
  }

  /** Wakes those who wait for an arrival, so that they check again. */
  wake(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Calls the listener with each cancel. */
  onCancel(listener: (runId: string) => void): void {
    this.#onCancel = listener
  }

  /** Reads the commands that concern the open run, and returns them as `SessionLog.pending` does. */
  read(): Promise<readonly Command[]> {
    return this.#read({ messages: false })
  }

  /** Acts like `read`, and includes the next message. */
  readWithMessage(): Promise<readonly Command[]> {
    return this.#read({ messages: true })
  }

  async #read(options: PendingOptions): Promise<readonly Command[]> {
    const reading = ++this.#begun
    const commands = await this.#log.pending(this.#lease, { ...options, known: this.#known })
    // A store with several connections may answer in another order than the requests. The newer state is kept.
    if (reading < this.#newest) return commands
    this.#newest = reading
    const known = commands.filter(({ type }) => type !== "message")
    this.#known = known.length === 0 ? noCommands : new Map(known.map((each) => [each.id, each]))
    const formerAnswers = this.#answers
    const answers: ReceivedAnswer[] = []
    const steering: SteeringMessage[] = []
    for (const command of known) {
      if (command.type === "cancel") this.#onCancel?.(command.runId)
      if (command.type === "withdraw") this.#onWithdrawal?.(command)
      if (command.type === "taskEnd") this.#onTaskEnd?.(command)
      if (this.#taken.has(command.id)) continue
      if (command.type === "steer") steering.push(command)
      if (command.type === "answer") answers.push(command)
    }
    this.#answers = answers
    this.#steering = steering
    if (answers.some(({ id }) => formerAnswers.every((each) => each.id !== id))) this.wake()
    return commands
  }

  /** Returns true if the newest read found a cancel of the run. */
  hasCancel(runId: string): boolean {
    for (const { type, runId: cancelled } of this.#known.values()) {
      if (type === "cancel" && cancelled === runId) return true
    }
    return false
  }

  has(toolCallId: string): boolean {
    return this.#find(toolCallId) !== undefined
  }

  async refresh(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await rejectOnAbort(signal, this.read())
        return
      } catch (error) {
        // A run continues after an outage of the store.
        if (!(error instanceof StoreUnavailableError)) throw error
        await sleep(retryMs, signal)
        signal.throwIfAborted()
      }
    }
  }

  take(toolCallId: string): Answer | null {
    const answer = this.#find(toolCallId)
    if (answer === undefined) return null
    this.#answers = this.#answers.filter((each) => each.toolCallId !== toolCallId)
    this.#taken.add(answer.id)
    return answer
  }

  /** Returns the last of the answers to the call. */
  #find(toolCallId: string): ReceivedAnswer | undefined {
    return this.#answers.findLast((each) => each.toolCallId === toolCallId)
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
