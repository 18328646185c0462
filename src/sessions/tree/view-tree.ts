import { toError } from "../../core/errors.ts"
import { isTerminal, type LiveEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { TreeViewOptions } from "../sessions.ts"
import { type ChildWait, nothingAfter, type Present, presentOf } from "./present.ts"
import type { SubAgent, TreeBatch } from "./sub-agent.ts"
import { type ChildToView, type ChildViewParts, type SubAgentStart, viewChild } from "./view-child.ts"

/** Maximum number of sub-agents that one viewer sees at once. Others are shown after one of these has ended. */
const maxShownSubAgents = 32

export interface TreeViewParts extends ChildViewParts {
  readonly logger: Logger
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

/** One session of the tree. */
interface Branch {
  readonly sessionId: string
  readonly source: AsyncIterator<SubAgentStart | readonly LiveEntry[]>
  /** Null for the viewed session, and for a sub-agent that has not started. */
  subAgent: SubAgent | null
  /** The state of waits up to this sequence number was known when the view of the session started. */
  knownUpTo: number
  /** The waits that were open when the view of the session started. */
  opened: readonly ChildWait[]
  /** Entries that were read but not shown. */
  unshown: readonly LiveEntry[] | null
  isReading: boolean
  hasEnded: boolean
  /** Shown sub-agents that work for this session, by the ids of their waits. */
  readonly children: Map<string, Branch>
  /** Aborted when the call that the session works for no longer waits. */
  readonly settled: AbortController
}

interface Queued extends ChildToView {
  readonly parent: Branch
}

class TreeView implements AsyncIterator<TreeBatch> {
  readonly #parts: TreeViewParts
  readonly #options: TreeViewOptions
  readonly #maxShown: number
  readonly #root: Branch
  /** The branches in the order of their next turns. */
  readonly #branches: Branch[]
  /** Sub-agents that wait for a place. */
  #queue: Queued[] = []
  readonly #ending = new AbortController()
  readonly #signal: AbortSignal
  #hasBegun = false
  #failure: Error | null = null
  #wake: () => void = () => {}

  constructor(parts: TreeViewParts, sessionId: string, options: TreeViewOptions) {
    this.#parts = parts
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal])
    const { isNewRun, maxSubAgents = maxShownSubAgents, ...viewed } = options
    this.#maxShown = maxSubAgents
    const view = parts.view(sessionId, { ...viewed, signal: this.#signal })
    this.#root = branchOf(sessionId, view[Symbol.asyncIterator]())
    this.#branches = [this.#root]
  }

  async next(): Promise<IteratorResult<TreeBatch>> {
    if (!this.#hasBegun) await this.#begin()
    for (;;) {
      const batch = this.#take()
      if (batch !== null) return { done: false, value: batch }
      if (this.#root.hasEnded) break
      await this.#readOn()
    }
    await this.return()
    if (this.#failure !== null) throw this.#failure
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<TreeBatch>> {
    this.#ending.abort()
    // The signal ends a view that waits. A view between two batches cleans up when `return` is called.
    await Promise.all(this.#branches.map(({ source }) => source.return?.()))
    return { done: true, value: undefined }
  }

  async #begin(): Promise<void> {
    this.#hasBegun = true
    begin(this.#root, await this.#presentOfRoot())
    this.#follow(this.#root, [])
  }

  async #presentOfRoot(): Promise<Present> {
    const { afterSeq, isNewRun = false, runId } = this.#options
    if (isNewRun) return nothingAfter(afterSeq)
    const { log, reads } = this.#parts
    const session = await log.session(this.#root.sessionId)
    if (session === null || session.activeRun === null) return nothingAfter(session?.lastSeq ?? afterSeq)
    const reader = { principal: session, signal: this.#signal }
    return presentOf({ log, reads, reader, runId }, session)
  }

  /** Resolves when a branch has read entries, or has ended. */
  #readOn(): Promise<void> {
    // The usual case is a session without sub-agents.
    if (this.#branches.length === 1 && !this.#root.isReading) return this.#read(this.#root)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    for (const branch of this.#branches) {
      if (branch.unshown === null && !branch.isReading) void this.#read(branch)
    }
    return promise
  }

  async #read(branch: Branch): Promise<void> {
    branch.isReading = true
    try {
      const { done, value } = await branch.source.next()
      if (done === true) this.#end(branch)
      else if (!("subAgent" in value)) branch.unshown = value
      else {
        branch.subAgent = value.subAgent
        branch.unshown = []
        begin(branch, value.present)
      }
    } catch (error) {
      if (branch === this.#root) this.#failure = toError(error)
      else this.#warn(branch, error)
      this.#end(branch)
    }
    branch.isReading = false
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
      const { unshown } = branch
      if (unshown === null || this.#mustWait(branch, unshown[0])) continue
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

  /** Returns true if the entry is the answer of a sub-agent whose end was not shown. */
  #mustWait({ children }: Branch, entry: LiveEntry | undefined): boolean {
    if (entry?.kind !== "event" || entry.event.type !== "waitResolved") return false
    const { waitId, decidedBy } = entry.event
    this.#queue = this.#queue.filter(({ wait }) => wait.waitId !== waitId)
    const child = children.get(waitId)
    child?.settled.abort()
    // A sub-agent whose wait was given up is shown while it continues.
    return child !== undefined && !child.hasEnded && decidedBy !== null
  }

  /** Starts to show the sub-agents that a part of a session starts. */
  #follow(parent: Branch, part: readonly LiveEntry[]): void {
    const last = part.at(-1)
    // The usual case is a batch of deltas.
    if (last?.kind !== "event" && parent.opened.length === 0) return
    const isDirect = parent === this.#root
    const common = { parent, parentSessionId: parent.sessionId, isDirect }
    for (const wait of parent.opened) this.#queue.push({ ...common, wait, isNew: false })
    parent.opened = []
    if (last?.kind === "event") {
      const { event } = last
      const isOpened = event.type === "waitOpened" && event.kind === "child"
      if (isOpened && last.seq > parent.knownUpTo) this.#queue.push({ ...common, wait: event, isNew: true })
      if (isTerminal(event)) this.#forget(parent)
    }
    this.#fill()
  }

  /** Marks all calls of the session's run as no longer waiting. */
  #forget(branch: Branch): void {
    for (const { settled } of branch.children.values()) settled.abort()
    this.#queue = this.#queue.filter(({ parent }) => parent !== branch)
  }

  #fill(): void {
    while (this.#branches.length <= this.#maxShown) {
      const next = this.#queue.shift()
      if (next === undefined) return
      const { principal, throughLapse = false } = this.#options
      const settled = new AbortController()
      const options = { principal, throughLapse, settled: settled.signal, signal: this.#signal }
      const { wait, parent } = next
      const child = branchOf(wait.payload.sessionId, viewChild(this.#parts, next, options), settled)
      parent.children.set(wait.waitId, child)
      this.#branches.push(child)
    }
  }
}

function branchOf(
  sessionId: string,
  source: Branch["source"],
  settled: AbortController = new AbortController(),
): Branch {
  return {
    ...{ sessionId, source, settled, subAgent: null, knownUpTo: 0, opened: [], unshown: null },
    ...{ isReading: false, hasEnded: false, children: new Map<string, Branch>() },
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
    if ((event.type === "waitOpened" && event.kind === "child") || isTerminal(event)) return index + 1
  }
  return entries.length
}
