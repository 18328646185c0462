import { type BackgroundTask, isTaskId } from "../../../core/runs/background-task.ts"
import type { TreeViewOptions } from "../sessions.ts"
import { type Branch, createBranch } from "./branch.ts"
import { OpenCalls } from "./open-calls.ts"
import type { ChildWait } from "./session-state.ts"
import { type ChildViewParts, viewChild } from "./view-child.ts"
import { type TaskToView, viewTask } from "./view-task.ts"

/** Maximum number of sub-agents that one viewer sees at once. Others are shown after one of these has ended. */
const maxShownSubAgents = 32
/** The same maximum for a view that ends when the tree is parked, because it must see every sub-agent to know that. */
const maxUntilParked = 1_000
/**
 * Maximum number of shown background sub-agents. They have a limit of their own, so that they do not take the places
 * of the others.
 */
const maxShownInBackground = 32

/** A sub-agent that is shown, or was shown until its end. */
interface SubAgentBranch extends Branch {
  readonly parent: Branch
  /** Aborted when the call that the session works for no longer waits. */
  readonly settled: AbortController
}

interface Queued extends TaskToView {
  readonly parent: Branch
  /** Id of the wait or the task that it works for. */
  readonly waitId: string
}

/** The sub-agents of a viewed tree: those that have a branch, and those that wait for a place. */
export class SubAgentBranches {
  readonly #parts: ChildViewParts
  readonly #options: TreeViewOptions
  readonly #root: Branch
  readonly #maxShown: number
  /** The branches by the ids of their waits or tasks. */
  readonly #branches = new Map<string, SubAgentBranch>()
  /** Sub-agents that wait for a place. */
  #queue: Queued[] = []
  /** Ends the views of the sub-agents. */
  readonly #ending = new AbortController()

  constructor(parts: ChildViewParts, root: Branch, options: TreeViewOptions) {
    this.#parts = parts
    this.#options = options
    this.#root = root
    const { untilParked, maxSubAgents = untilParked === undefined ? maxShownSubAgents : maxUntilParked } =
      options
    this.#maxShown = maxSubAgents
  }

  /** Queues the sub-agent that a call waits for. If `isNew` is true, the call was made during the view. */
  queueChild(parent: Branch, { waitId, toolCallId, payload }: ChildWait, isNew: boolean): void {
    const { sessionId, runId, agent, role: name = agent } = payload
    const { taskId } = parent
    const child = { sessionId, runId, name, toolCallId, taskId, isNew, reported: null }
    this.#queue.push({ ...child, ...this.#below(parent), waitId })
  }

  /** Queues the sub-agent of a background task, unless it is known. */
  queueTask(parent: Branch, task: BackgroundTask, isNew: boolean): void {
    const { taskId, sessionId, name, toolCallId } = task
    const isKnown = this.#branches.has(taskId) || this.#queue.some(({ waitId }) => waitId === taskId)
    if (isKnown) return
    // Subscribers receive progress only for the tasks of the session itself.
    const reported = parent === this.#root ? task : null
    const child = { sessionId, runId: taskId, name, toolCallId, taskId: parent.taskId ?? taskId, isNew }
    this.#queue.push({ ...child, ...this.#below(parent), reported, waitId: taskId })
  }

  #below(parent: Branch) {
    return { parent, parentSessionId: parent.sessionId, isDirect: parent === this.#root }
  }

  /** Returns new branches for the queued sub-agents that have a place beside the given branches of the tree. */
  openQueued(branches: readonly Branch[]): readonly Branch[] {
    const opened: Branch[] = []
    if (this.#queue.length === 0) return opened
    const background = branches.filter(({ taskId }) => taskId !== null).length
    // The branches include the session itself.
    let [places, inBackground] = [
      this.#maxShown + 1 - (branches.length - background),
      maxShownInBackground - background,
    ]
    this.#queue = this.#queue.filter((next) => {
      const hasPlace = next.taskId === null ? places-- > 0 : inBackground-- > 0
      if (hasPlace) opened.push(this.#open(next))
      return !hasPlace
    })
    return opened
  }

  #open({ parent, waitId, ...child }: Queued): Branch {
    const { principal, throughLapse = false } = this.#options
    const settled = new AbortController()
    const signal = AbortSignal.any([this.#options.signal, this.#ending.signal])
    const options = { principal, throughLapse, settled: settled.signal, signal }
    const { reported, ...foreground } = child
    const source =
      child.taskId === null
        ? viewChild(this.#parts, foreground, options)
        : viewTask(this.#parts, child, options)
    // The view of a task folds its calls itself, because it does not show them.
    const calls = this.#options.untilParked !== undefined && child.taskId === null ? new OpenCalls() : null
    const branch = { ...createBranch({ ...child, calls }, source), parent, settled }
    this.#branches.set(waitId, branch)
    return branch
  }

  /** Notes that a wait or a task has ended. Returns the branch of its sub-agent, which may still have entries. */
  settle(waitId: string): Branch | undefined {
    this.#queue = this.#queue.filter((queued) => queued.waitId !== waitId)
    const branch = this.#branches.get(waitId)
    branch?.settled.abort()
    return branch
  }

  /** Settles the calls of a session whose run has ended, because none of them waits any more. Tasks continue. */
  settleCalls(caller: Branch): void {
    for (const [waitId, { parent, settled }] of this.#branches) {
      if (parent === caller && !isTaskId(waitId)) settled.abort()
    }
    this.#queue = this.#queue.filter(({ parent, waitId }) => parent !== caller || isTaskId(waitId))
  }

  /** Returns the branch of the sub-agent that a wait or a task is for. Undefined if it is not shown. */
  find(waitId: string): Branch | undefined {
    return this.#branches.get(waitId)
  }

  /** Returns the branches of background tasks that have not ended. Null if one of them waits for a place. */
  tasks(): readonly Branch[] | null {
    if (this.#queue.some(({ waitId }) => isTaskId(waitId))) return null
    const tasks = [...this.#branches].filter(([waitId, { hasEnded }]) => isTaskId(waitId) && !hasEnded)
    return tasks.map(([, branch]) => branch)
  }

  /** Ends the views of all sub-agents. */
  end(): void {
    this.#ending.abort("the view ended")
  }
}
