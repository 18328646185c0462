import { toError } from "../../core/errors.ts"
import { isTerminal, type LiveEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { type BackgroundTask, isTaskId } from "../../core/runs/background-task.ts"
import type { TreeViewOptions } from "../sessions.ts"
import { type ChildWait, createEmptyPresent, type Present, readPresent } from "./session-state.ts"
import type { ProgressBatch, SubAgent, TreeBatch } from "./sub-agent.ts"
import { type ChildViewParts, type SubAgentStart, viewChild } from "./view-child.ts"
import { type TaskToView, viewTask } from "./view-task.ts"

/** Maximum number of sub-agents that one viewer sees at once. Others are shown after one of these has ended. */
const maxShownSubAgents = 32
/**
 * Maximum number of shown background sub-agents. They have a limit of their own, so that they do not take the places
 * of the others.
 */
const maxShownInBackground = 32

export interface TreeViewParts extends ChildViewParts {
  readonly logger: Logger
  /** Resolves to the running background tasks of a session. */
  readonly runningTasks: (sessionId: string, signal: AbortSignal) => Promise<readonly BackgroundTask[]>
}

/**
 * Shows a session and, between its batches, the sub-agents that work for its calls, at every depth. Each session's
 * entries come in order. A sub-agent is shown after the call that started it, and to its end before the call that it
 * answers continues.
 *
 * Nothing is read before the viewer needs it: each session holds at most one batch here, and the rest waits in the
 * log.
 */
export function viewTree(
  parts: TreeViewParts,
  sessionId: string,
  options: TreeViewOptions,
): AsyncIterable<TreeBatch> {
  return { [Symbol.asyncIterator]: () => new TreeView(parts, sessionId, options) }
}

type Item = SubAgentStart | readonly LiveEntry[] | ProgressBatch

/** One session of the tree. */
interface Branch {
  readonly sessionId: string
  /** The background task that it works for, or that a session above it works for. Null for others. */
  readonly taskId: string | null
  readonly source: AsyncIterator<Item>
  /** Null for the viewed session, and for a sub-agent that has not started. */
  subAgent: SubAgent | null
  /** The state of waits up to this sequence number was known when the view of the session started. */
  knownUpTo: number
  /** The waits that were open when the view of the session started. */
  opened: readonly ChildWait[]
  /** Entries that were read but not shown. */
  unshown: readonly LiveEntry[] | null
  /** Progress that was read and not yet shown. */
  progress: ProgressBatch | null
  isReading: boolean
  hasEnded: boolean
}

/** A sub-agent that is shown, or was shown until its end. */
interface Child extends Branch {
  readonly parent: Branch
  /** Aborted when the call that the session works for no longer waits. */
  readonly settled: AbortController
}

interface Queued extends TaskToView {
  readonly parent: Branch
  /** Id of the wait or the task that it works for. */
  readonly waitId: string
}

class TreeView implements AsyncIterator<TreeBatch> {
  readonly #parts: TreeViewParts
  readonly #options: TreeViewOptions
  readonly #maxShown: number
  readonly #root: Branch
  /** The branches in the order of their next turns. */
  readonly #branches: Branch[]
  /** The sub-agents by the ids of their waits or tasks. Null before the first one, because most sessions have none. */
  #children: Map<string, Child> | null = null
  /** Sub-agents that wait for a place. */
  #queue: Queued[] = []
  /** Ends the views of the sub-agents. Null before the first one. */
  #ending: AbortController | null = null
  /** If true, no further sub-agent is shown. */
  #hasReturned = false
  #hasBegun = false
  #hasShown = false
  #knowsTasks = false
  #failure: Error | null = null
  #wake: () => void = wakeNothing

  constructor(parts: TreeViewParts, sessionId: string, options: TreeViewOptions) {
    this.#parts = parts
    this.#options = options
    this.#maxShown = options.maxSubAgents ?? maxShownSubAgents
    const view = parts.view(sessionId, options)
    this.#root = createBranch({ sessionId, taskId: null }, view[Symbol.asyncIterator]())
    this.#branches = [this.#root]
  }

  next(): Promise<IteratorResult<TreeBatch>> {
    if (!this.#isPlain()) return this.#nextOfTree()
    const root = this.#root
    root.isReading = true
    return root.source.next().then(
      (read) => {
        this.#keep(root, read)
        return this.#takeNext() ?? this.#nextOfTree()
      },
      (error: unknown) => {
        this.#fail(root, error)
        return this.#nextOfTree()
      },
    )
  }

  /** Returns true in the usual case, in which idle subscribers wait: no sub-agents, and nothing to show now. */
  #isPlain(): boolean {
    const { unshown, progress, isReading, hasEnded } = this.#root
    if (unshown !== null || progress !== null || isReading || hasEnded) return false
    return this.#knowsTasks && this.#branches.length === 1
  }

  async #nextOfTree(): Promise<IteratorResult<TreeBatch>> {
    if (!this.#hasBegun) await this.#begin()
    for (;;) {
      const next = this.#takeNext()
      if (next !== null) return next
      if (!this.#knowsTasks) await this.#findTasks()
      if (this.#root.hasEnded) break
      await this.#readOn()
    }
    await this.return()
    if (this.#failure !== null) throw this.#failure
    return { done: true, value: undefined }
  }

  #takeNext(): IteratorResult<TreeBatch> | null {
    const batch = this.#take()
    if (batch === null) return null
    this.#hasShown = true
    return { done: false, value: batch }
  }

  async return(): Promise<IteratorResult<TreeBatch>> {
    this.#hasReturned = true
    // The signal ends the views of sub-agents that wait. A view between two batches cleans up when `return` is called.
    this.#ending?.abort("the view ended")
    await Promise.all(this.#branches.map(({ source }) => source.return?.()))
    return { done: true, value: undefined }
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true
    begin(this.#root, await this.#presentOfRoot())
    this.#follow(this.#root, [])
  }

  /** Starts to show the tasks that are already running. The first entries of a new run do not wait for them. */
  async #findTasks(): Promise<void> {
    const { isNewRun = false } = this.#options
    if (isNewRun && !this.#hasShown) return
    this.#knowsTasks = true
    const isFirstRun = isNewRun && this.#root.knownUpTo === 0
    if (isFirstRun) return
    const tasks = await this.#parts.runningTasks(this.#root.sessionId, this.#options.signal)
    for (const task of tasks) this.#queueTask(this.#root, task, false)
    this.#fill()
  }

  async #presentOfRoot(): Promise<Present> {
    const { afterSeq, isNewRun = false, runId } = this.#options
    if (isNewRun) return createEmptyPresent(afterSeq)
    const { log, reads } = this.#parts
    const session = await log.session(this.#root.sessionId)
    if (session === null || session.activeRun === null)
      return createEmptyPresent(session?.lastSeq ?? afterSeq)
    const reader = { principal: session, signal: this.#options.signal }
    return readPresent({ log, reads, reader, runId }, session)
  }

  /** Resolves when a branch has read entries, or has ended. */
  #readOn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    for (const branch of this.#branches) {
      if (branch.unshown === null && branch.progress === null && !branch.isReading) void this.#read(branch)
    }
    return promise
  }

  /** Never rejects. */
  async #read(branch: Branch): Promise<void> {
    branch.isReading = true
    try {
      this.#keep(branch, await branch.source.next())
    } catch (error) {
      this.#fail(branch, error)
    }
  }

  #keep(branch: Branch, { done, value }: IteratorResult<Item>): void {
    branch.isReading = false
    if (done === true) this.#end(branch)
    else if ("progress" in value) branch.progress = value
    else if (!("subAgent" in value)) branch.unshown = value
    else {
      branch.subAgent = value.subAgent
      branch.unshown = []
      begin(branch, value.present)
    }
    this.#wake()
    // Each idle subscriber would keep the resolved promise.
    this.#wake = wakeNothing
  }

  #fail(branch: Branch, error: unknown): void {
    branch.isReading = false
    if (branch === this.#root) this.#failure = toError(error)
    else this.#warn(branch, error)
    this.#end(branch)
    this.#wake()
  }

  /** Logs that a sub-agent cannot be read. The view of its parent session continues. */
  #warn({ sessionId }: Branch, error: unknown): void {
    const message = "A sub-agent could not be read, so a subscriber of its root is not shown the rest of it."
    this.#parts.logger.warn({ error, sessionId, rootSessionId: this.#root.sessionId }, message)
  }

  #end(branch: Branch): void {
    branch.hasEnded = true
    this.#forget(branch)
    if (branch !== this.#root) this.#branches.splice(this.#branches.indexOf(branch), 1)
    this.#fill()
  }

  #take(): TreeBatch | null {
    for (const branch of this.#branches) {
      const { unshown, progress } = branch
      if (progress !== null) {
        branch.progress = null
        return progress
      }
      if (unshown === null || this.#mustWait(unshown[0])) continue
      const end = endOfPart(unshown)
      const isWhole = end === unshown.length
      const part = isWhole ? unshown : unshown.slice(0, end)
      branch.unshown = isWhole ? null : unshown.slice(end)
      this.#follow(branch, part)
      if (this.#branches.length > 1) {
        this.#branches.push(...this.#branches.splice(this.#branches.indexOf(branch), 1))
      }
      return branch.subAgent === null ? part : { subAgent: branch.subAgent, entries: part }
    }
    return null
  }

  /** Returns true if the entry answers the wait for a sub-agent whose end was not shown yet. */
  #mustWait(entry: LiveEntry | undefined): boolean {
    if (entry?.kind !== "event" || entry.event.type !== "waitResolved") return false
    const { waitId, decidedBy } = entry.event
    const child = this.#children?.get(waitId)
    this.#settle(waitId)
    // A sub-agent whose wait was given up is shown while it continues.
    return child !== undefined && !child.hasEnded && decidedBy !== null
  }

  /** Starts to show the sub-agents that a part of a session starts. */
  #follow(parent: Branch, part: readonly LiveEntry[]): void {
    const last = part.at(-1)
    // The usual case is a batch of deltas.
    if (last?.kind !== "event" && parent.opened.length === 0) return
    for (const wait of parent.opened) this.#queueChild(parent, wait, false)
    parent.opened = []
    if (last?.kind === "event") {
      const { event } = last
      const isNew = last.seq > parent.knownUpTo
      if (event.type === "waitOpened" && event.kind === "child" && isNew)
        this.#queueChild(parent, event, true)
      if (event.type === "taskRegistered" && isNew) this.#queueTask(parent, event, true)
      if (event.type === "taskEnded") this.#settle(event.taskId)
      if (isTerminal(event)) this.#forget(parent)
    }
    this.#fill()
  }

  #queueChild(parent: Branch, { waitId, toolCallId, payload }: ChildWait, isNew: boolean): void {
    const { sessionId, runId, agent } = payload
    const { taskId } = parent
    const child = { sessionId, runId, agent, toolCallId, taskId, isNew, reported: null }
    this.#queue.push({ ...child, ...this.#below(parent), waitId })
  }

  #queueTask(parent: Branch, task: BackgroundTask, isNew: boolean): void {
    const { taskId, sessionId, agent, toolCallId } = task
    const isKnown = this.#children?.has(taskId) || this.#queue.some(({ waitId }) => waitId === taskId)
    if (isKnown) return
    // Subscribers receive progress only for the tasks of the session itself.
    const reported = parent === this.#root ? task : null
    const child = { sessionId, runId: taskId, agent, toolCallId, taskId: parent.taskId ?? taskId, isNew }
    this.#queue.push({ ...child, ...this.#below(parent), reported, waitId: taskId })
  }

  #below(parent: Branch) {
    return { parent, parentSessionId: parent.sessionId, isDirect: parent === this.#root }
  }

  #settle(waitId: string): void {
    this.#queue = this.#queue.filter((queued) => queued.waitId !== waitId)
    this.#children?.get(waitId)?.settled.abort()
  }

  /**
   * Stops showing the sub-agents of the session's calls, because no call of the run waits any more. Background tasks
   * continue.
   */
  #forget(branch: Branch): void {
    for (const [waitId, { parent, settled }] of this.#children ?? []) {
      if (parent === branch && !isTaskId(waitId)) settled.abort()
    }
    this.#queue = this.#queue.filter(({ parent, waitId }) => parent !== branch || isTaskId(waitId))
  }

  #fill(): void {
    if (this.#queue.length === 0 || this.#hasReturned) return
    const shown = this.#branches.filter(({ taskId }) => taskId !== null).length
    // The branches include the session itself.
    let [places, inBackground] = [
      this.#maxShown + 1 - (this.#branches.length - shown),
      maxShownInBackground - shown,
    ]
    this.#queue = this.#queue.filter((next) => {
      const hasPlace = next.taskId === null ? places-- > 0 : inBackground-- > 0
      if (hasPlace) this.#show(next)
      return !hasPlace
    })
  }

  #show({ parent, waitId, ...child }: Queued): void {
    const { principal, throughLapse = false } = this.#options
    const settled = new AbortController()
    this.#ending ??= new AbortController()
    const signal = AbortSignal.any([this.#options.signal, this.#ending.signal])
    const options = { principal, throughLapse, settled: settled.signal, signal }
    const { reported, ...foreground } = child
    const source =
      child.taskId === null
        ? viewChild(this.#parts, foreground, options)
        : viewTask(this.#parts, child, options)
    const branch = { ...createBranch(child, source), parent, settled }
    this.#children ??= new Map()
    this.#children.set(waitId, branch)
    this.#branches.push(branch)
  }
}

function wakeNothing(): void {}

function createBranch(
  { sessionId, taskId }: Pick<Branch, "sessionId" | "taskId">,
  source: Branch["source"],
): Branch {
  return {
    sessionId,
    taskId,
    source,
    subAgent: null,
    knownUpTo: 0,
    opened: [],
    unshown: null,
    progress: null,
    isReading: false,
    hasEnded: false,
  }
}

function begin(branch: Branch, { lastSeq, children }: Present): void {
  branch.knownUpTo = lastSeq
  branch.opened = children
}

/** Returns the number of entries that may be shown before the sub-agent that the last of them starts. */
function endOfPart(entries: readonly LiveEntry[]): number {
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]
    if (entry?.kind !== "event") continue
    const { event } = entry
    if (event.type === "waitResolved" && event.kind === "child" && index > 0) return index
    const isStart = event.type === "waitOpened" && event.kind === "child"
    if (isStart || event.type === "taskRegistered" || isTerminal(event)) return index + 1
    if (event.type === "taskEnded") return index + 1
  }
  return entries.length
}
