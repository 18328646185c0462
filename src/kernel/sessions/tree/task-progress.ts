import { type Event, isTerminal } from "../../../core/log/entries.ts"
import { addSpending, noSpending, type Spending } from "../../../core/usage.ts"

/** State of a background task at one moment. It is computed from the log of the sub-agent and not stored. */
export interface TaskProgress {
  readonly taskId: string
  /** Name of the sub-agent. */
  readonly name: string
  /** Number of the sub-agent's turn, from 1. */
  readonly turn: number
  /** The tool that started last and has no result yet. Null if no tool is running. */
  readonly toolName: string | null
  /** Spending of the turns that have ended. Null if the subscriber joined in the middle of a long task. */
  readonly spent: Spending | null
}

/** Folds the events of one task into its progress. */
export class ProgressFold {
  readonly #names = new Map<string, string>()
  readonly #running = new Set<string>()
  #turn = 0
  #spent: Spending | null

  /** `isWhole` is true if the fold starts with the first event of the task. */
  constructor({ isWhole }: { readonly isWhole: boolean }) {
    this.#spent = isWhole ? noSpending : null
  }

  /** Returns true if the event changes the progress of a running task. */
  apply(event: Event): boolean {
    switch (event.type) {
      case "stepStarted":
        this.#turn = event.step
        this.#names.clear()
        this.#running.clear()
        return true
      case "toolCallRequested":
        this.#names.set(event.toolCallId, event.name)
        return false
      case "toolCallStarted":
        this.#running.add(event.toolCallId)
        return true
      case "toolCallCompleted":
      case "toolCallInterrupted":
        return this.#running.delete(event.toolCallId)
      case "stepCompleted":
        this.#spent = this.#spent === null ? null : addSpending(this.#spent, event)
        return true
      default:
        return false
    }
  }

  now({ taskId, name }: Pick<TaskProgress, "taskId" | "name">): TaskProgress {
    const last = [...this.#running].at(-1)
    const toolName = last === undefined ? null : (this.#names.get(last) ?? null)
    return { taskId, name, turn: this.#turn, toolName, spent: this.#spent }
  }
}

/**
 * Selects the events of a background sub-agent that a subscriber must see: its waits, their ends, and its own end.
 */
export class WaitFilter {
  readonly #calls = new Set<string>()

  isShown(event: Event): boolean {
    switch (event.type) {
      case "waitOpened":
        this.#calls.add(event.toolCallId)
        return true
      case "waitResolved":
        return true
      // These events end the wait of a client tool.
      case "toolCallCompleted":
      case "toolCallInterrupted":
        return this.#calls.delete(event.toolCallId)
      default:
        return isTerminal(event)
    }
  }
}
