import { toError } from "../../core/errors.ts"
import { isTerminal, type LiveEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { Frame } from "../../http/streams/wire.ts"
import type { ViewEnd } from "../../kernel/sessions/reading/view-end.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import { isOfSubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import type { ApprovalAnswer } from "../gateway.ts"
import type { ElicitationAnswer } from "../operate/waits.ts"
import { answerWaits, type People } from "./answer-waits.ts"
import { cancelRun } from "./cancel-run.ts"
import { createRendering } from "./render-events.ts"
import type { AcceptedRun } from "./start-run.ts"

/** Maximum number of sub-agents whose questions are answered at once. */
const maxSubAgents = 1_000

export interface FollowParts {
  readonly sessions: Sessions
  /** Names of the agents that the gateway serves. */
  readonly agents: readonly string[]
  /** If true, events have the own messages of providers. */
  readonly providerErrors: boolean
  readonly logger: Logger
}

export interface FollowOptions {
  /** If undefined, approvals stay open. */
  readonly onApproval: ((wait: Wait) => ApprovalAnswer | null | Promise<ApprovalAnswer | null>) | undefined
  /** If undefined, questions stay open. */
  readonly onElicitation:
    | ((wait: Wait) => ElicitationAnswer | null | Promise<ElicitationAnswer | null>)
    | undefined
  readonly hasClient: boolean
  /**
   * If true, a run that waits only for people stays open and is no longer followed. Default false: the run is followed
   * to its end.
   */
  readonly untilParked?: boolean | undefined
  /** Called once after the last entry, unless the consumer or a callback ends the iteration before. */
  readonly onEnd: (end: ViewEnd) => void
  /** If true, the frames include the arguments of calls while the model writes them. Default false. */
  readonly toolInputDeltas?: boolean | undefined
  readonly signal: AbortSignal | undefined
}

/** One entry of a run or of a sub-agent, and the frames that a client of the HTTP API receives for it. */
export interface FollowedEntry {
  /** Null for an entry of a sub-agent, and for a frame without an entry. */
  readonly entry: LiveEntry | null
  readonly frames: readonly Frame[]
}

/** Converts a frame into its event. The native wire wrote the frame, so the frame matches the wire's schema. */
export function toChatEvent(frame: Frame): ChatEvent {
  return JSON.parse(frame) as ChatEvent
}

/**
 * Yields the entries of a run and of its sub-agents up to the run's end, and answers their waits. If its message
 * started the run, cancels the run when the signal aborts, when a callback throws, and when the consumer stops before
 * the run's end. If the process stops, ends early without a cancel.
 */
export async function* followRun(
  parts: FollowParts,
  run: AcceptedRun,
  options: FollowOptions,
): AsyncGenerator<FollowedEntry> {
  const { signal, onEnd } = options
  const course = new Course(parts, run, options)
  const onAbort = () => void course.cancel()
  signal?.addEventListener("abort", onAbort, { once: true })
  /** The consumer leaves in a `yield`, which then returns. */
  let hasLeft = true
  try {
    // The abort may have happened while the run was started.
    if (signal?.aborted === true) await course.cancel()
    if (run.position !== undefined) yield { entry: null, frames: nativeWire.queued(run.runId, run.position) }
    for await (const followed of readEntries(parts, run, { ...options, course })) {
      yield followed
      if (followed.entry !== null && isEnd(followed.entry)) hasLeft = false
    }
    hasLeft = false
  } catch (error) {
    hasLeft = false
    throw error
  } finally {
    signal?.removeEventListener("abort", onAbort)
    await course.end({ hasLeft })
  }
  if (course.viewEnd !== null) onEnd(course.viewEnd)
}

/** Yields the entries with their frames, and then has the waits answered that they open. */
async function* readEntries(
  { sessions, providerErrors }: FollowParts,
  { sessionId, runId, cursor }: AcceptedRun,
  { course, untilParked = false, toolInputDeltas }: FollowOptions & { readonly course: Course },
): AsyncGenerator<FollowedEntry> {
  const rendered = createRendering(cursor, { toolInput: toolInputDeltas, providerErrors })
  const view = sessions
    .viewTree(sessionId, {
      ...{ afterSeq: cursor, runId, maxSubAgents, throughLapse: true, signal: course.signal },
      ...(untilParked && { untilParked: { released: true, answersStored: () => course.answered } }),
    })
    [Symbol.asyncIterator]()
  try {
    for (;;) {
      const read = await view.next()
      if (read.done === true) {
        course.viewEnd = read.value
        return
      }
      const isOfRun = !isOfSubAgent(read.value)
      for (const [entry, frames] of rendered(read.value)) {
        yield { entry: isOfRun ? entry : null, frames }
        // The consumer shows a wait before a person is asked about it.
        if (entry?.kind === "event" && entry.event.type === "waitOpened") course.answer()
      }
    }
  } finally {
    await view.return?.()
  }
}

function isEnd(entry: LiveEntry): boolean {
  return entry.kind === "event" && isTerminal(entry.event)
}

interface Failure {
  readonly error: unknown
  readonly cancels: boolean
}

/** The answers to a followed run, and its end from outside. */
class Course {
  /** Null before the end of the view. */
  viewEnd: ViewEnd | null = null
  readonly #parts: FollowParts
  readonly #run: AcceptedRun
  readonly #people: People
  readonly #ending = new AbortController()
  readonly #canceled = Promise.withResolvers<void>()
  /** Answers are given one after the other. Meanwhile, the run and its sub-agents are shown. */
  #answering = Promise.resolve()
  /** The first error of a callback or of the cancel. After that of a callback, the run is canceled. */
  #failure: Failure | null = null

  constructor(parts: FollowParts, run: AcceptedRun, { onApproval, onElicitation, hasClient }: FollowOptions) {
    this.#parts = parts
    this.#run = run
    // A canceled run does not wait for a person any more.
    const denied = this.#canceled.promise.then(() => ({ approved: false, reason: "The run was cancelled." }))
    const declined = this.#canceled.promise.then(() => ({ action: "cancel" }) as const)
    const left = new Promise<never>((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true })
    })
    left.catch(() => undefined)
    this.#people = {
      logger: parts.logger,
      approve:
        onApproval === undefined ? null : async (wait) => Promise.race([onApproval(wait), denied, left]),
      elicit:
        onElicitation === undefined
          ? null
          : async (wait) => Promise.race([onElicitation(wait), declined, left]),
      hasClient,
      asked: new Set(),
    }
  }

  /** Aborted when the run is no longer followed. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Resolves when the waits that are known by now have their answers, or have none. */
  get answered(): Promise<void> {
    return this.#answering
  }

  /** Answers the open waits after those that are being answered. */
  answer(): void {
    this.#answering = this.#answering.then(async () => {
      try {
        if (!this.signal.aborted) await answerWaits(this.#parts.sessions, this.#run, this.#people)
      } catch (error) {
        // After the run was left, its waits stay open for others.
        if (!this.signal.aborted) this.#fail({ error, cancels: true })
      }
    })
  }

  async cancel(until = this.signal): Promise<void> {
    try {
      await cancelRun(this.#parts, this.#run, until)
    } catch (error) {
      this.#fail({ error, cancels: false })
    }
    this.#canceled.resolve()
  }

  /** Ends what follows the run. Throws the failure, if there was one. */
  async end({ hasLeft }: { readonly hasLeft: boolean }): Promise<void> {
    this.#ending.abort()
    const isGivenUp = this.#failure === null ? hasLeft : this.#failure.cancels
    // A run that was open before the message also belongs to another caller.
    if (isGivenUp && !this.#run.hasJoined) await this.cancel(new AbortController().signal)
    await this.#answering
    if (this.#failure !== null) throw toError(this.#failure.error)
  }

  #fail(failure: Failure): void {
    this.#failure ??= failure
    this.#ending.abort()
  }
}
