import { toError } from "../../../core/errors.ts"
import { isTerminal, type LiveEntry } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { BackgroundTask } from "../../../core/runs/background-task.ts"
import { type ViewEnd, viewEnds } from "../reading/view-end.ts"
import type { TreeViewOptions } from "../sessions.ts"
import { type Branch, type BranchItem, beginBranch, createBranch, takePart } from "./branch.ts"
import { findParked } from "./find-parked.ts"
import { OpenCalls } from "./open-calls.ts"
import { createEmptyPresent, type Present, readPresent } from "./session-state.ts"
import type { TreeBatch } from "./sub-agent.ts"
import { SubAgentBranches } from "./sub-agent-branches.ts"
import type { ChildViewParts } from "./view-child.ts"

export interface TreeViewParts extends ChildViewParts {
  readonly logger: Logger
  /** Resolves to the running background tasks of a session. */
  readonly runningTasks: (sessionId: string, signal: AbortSignal) => Promise<readonly BackgroundTask[]>
  /** Resolves to the open waits of the session and of the tree below it. */
  readonly openWaits: (sessionId: string) => Promise<readonly Wait[]>
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
): AsyncIterable<TreeBatch, ViewEnd> {
  return { [Symbol.asyncIterator]: () => new TreeView(parts, sessionId, options) }
}

class TreeView implements AsyncIterator<TreeBatch, ViewEnd> {
  readonly #parts: TreeViewParts
  readonly #options: TreeViewOptions
  readonly #root: Branch
  /** The branches in the order of their next turns. */
  readonly #branches: Branch[]
  /** Null before the first sub-agent, because most sessions have none. */
  #subAgents: SubAgentBranches | null = null
  /** If true, no further sub-agent is shown. */
  #hasReturned = false
  #hasBegun = false
  #hasShown = false
  #knowsTasks = false
  #failure: Error | null = null
  /** Number of reads that have ended. */
  #reads = 0
  /** The reason for the end of the view of the session itself. */
  #ended: ViewEnd = viewEnds.left
  #wake: () => void = wakeNothing

  constructor(parts: TreeViewParts, sessionId: string, options: TreeViewOptions) {
    this.#parts = parts
    this.#options = options
    const view = parts.view(sessionId, options)
    const calls = options.untilParked === undefined ? null : new OpenCalls()
    this.#root = createBranch({ sessionId, taskId: null, calls }, view[Symbol.asyncIterator]())
    this.#branches = [this.#root]
  }

  next(): Promise<IteratorResult<TreeBatch, ViewEnd>> {
    if (!this.#isPlain()) return this.#nextOfTree()
    const root = this.#root
    // These lines repeat `#read`. A call of it would add a promise, and a suspended function, to each token.
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
    const { unshown, progress, isReading, hasEnded, calls } = this.#root
    if (calls !== null && calls.waits !== null) return false
    if (unshown !== null || progress !== null || isReading || hasEnded) return false
    return this.#knowsTasks && this.#branches.length === 1
  }

  async #nextOfTree(): Promise<IteratorResult<TreeBatch, ViewEnd>> {
    if (!this.#hasBegun) await this.#begin()
    for (;;) {
      const next = this.#takeNext()
      if (next !== null) return next
      if (!this.#knowsTasks) await this.#findTasks()
      if (this.#root.hasEnded) break
      if (this.#root.calls !== null) {
        const reads = this.#reads
        const parked = await this.#findParkedEnd()
        if (this.#reads !== reads) continue
        if (parked !== null) {
          await this.return()
          return { done: true, value: parked }
        }
      }
      await this.#readOn()
    }
    await this.return()
    if (this.#failure !== null) throw this.#failure
    return { done: true, value: this.#ended }
  }

  #takeNext(): IteratorResult<TreeBatch, ViewEnd> | null {
    const batch = this.#take()
    if (batch === null) return null
    this.#hasShown = true
    return { done: false, value: batch }
  }

  async return(): Promise<IteratorResult<TreeBatch, ViewEnd>> {
    this.#hasReturned = true
    // The signal ends the views of sub-agents that wait. A view between two batches cleans up when `return` is called.
    this.#subAgents?.end()
    await Promise.all(this.#branches.map(({ source }) => source.return?.()))
    return { done: true, value: viewEnds.left }
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true
    beginBranch(this.#root, await this.#presentOfRoot())
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
    for (const task of tasks) this.#ensureSubAgents().queueTask(this.#root, task, false)
    this.#fill()
  }

  /** Resolves to the end of the view if the tree is parked, and to null otherwise. */
  async #findParkedEnd(): Promise<ViewEnd | null> {
    const { released = false, answersStored } = this.#options.untilParked ?? {}
    const waits = findParked(this.#root, { subAgents: this.#subAgents, released })
    if (waits === null) return null
    await answersStored?.()
    // An answer or a cancel that is stored but not logged yet has closed its wait.
    const open = new Map(
      (await this.#parts.openWaits(this.#root.sessionId)).map((wait) => [wait.waitId, wait]),
    )
    const found = waits.flatMap(({ wait: { waitId }, rootToolCallId }) => {
      const wait = open.get(waitId)
      return wait === undefined ? [] : [{ ...wait, rootToolCallId }]
    })
    return found.length === waits.length ? { type: "parked", waits: found } : null
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

  #keep(branch: Branch, { done, value }: IteratorResult<BranchItem, ViewEnd | undefined>): void {
    branch.isReading = false
    this.#reads += 1
    if (done === true) {
      if (branch === this.#root) this.#ended = value ?? viewEnds.left
      this.#end(branch)
    } else if ("progress" in value) branch.progress = value
    else if (!("subAgent" in value)) branch.unshown = value
    else {
      branch.subAgent = value.subAgent
      branch.unshown = []
      branch.calls = value.calls ?? branch.calls
      beginBranch(branch, value.present)
    }
    this.#wake()
    // Each idle subscriber would keep the resolved promise.
    this.#wake = wakeNothing
  }

  #fail(branch: Branch, error: unknown): void {
    branch.isReading = false
    this.#reads += 1
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
    this.#subAgents?.settleCalls(branch)
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
      const part = takePart(branch, unshown)
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
    const child = this.#subAgents?.settle(waitId)
    // A sub-agent whose wait was given up is shown while it continues.
    return child !== undefined && !child.hasEnded && decidedBy !== null
  }

  /** Starts to show the sub-agents that a part of a session starts. */
  #follow(parent: Branch, part: readonly LiveEntry[]): void {
    if (parent.calls !== null && parent.taskId === null) {
      for (const entry of part) if (entry.kind === "event") parent.calls.apply(entry.event)
    }
    const last = part.at(-1)
    // The usual case is a batch of deltas.
    if (last?.kind !== "event" && parent.opened.length === 0) return
    for (const wait of parent.opened) this.#ensureSubAgents().queueChild(parent, wait, false)
    parent.opened = []
    if (last?.kind === "event") {
      const { event } = last
      const isNew = last.seq > parent.knownUpTo
      if (event.type === "waitOpened" && event.kind === "child" && isNew)
        this.#ensureSubAgents().queueChild(parent, event, true)
      if (event.type === "taskRegistered" && isNew) this.#ensureSubAgents().queueTask(parent, event, true)
      if (event.type === "taskEnded") this.#subAgents?.settle(event.taskId)
      if (isTerminal(event)) this.#subAgents?.settleCalls(parent)
    }
    this.#fill()
  }

  #ensureSubAgents(): SubAgentBranches {
    this.#subAgents ??= new SubAgentBranches(this.#parts, this.#root, this.#options)
    return this.#subAgents
  }

  #fill(): void {
    if (this.#subAgents === null || this.#hasReturned) return
    this.#branches.push(...this.#subAgents.openQueued(this.#branches))
  }
}

function wakeNothing(): void {}
