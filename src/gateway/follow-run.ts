import type { ChatEvent } from "../client/wire/chat-event.ts"
import { isTerminal, type LiveEntry } from "../core/entries.ts"
import { toError } from "../core/errors.ts"
import type { Wait } from "../core/ports/approvals.ts"
import type { Logger } from "../core/ports/logger.ts"
import { sleep } from "../core/sleep.ts"
import { nativeWireFor } from "../http/wire/native.ts"
import type { Frame } from "../http/wire/wire.ts"
import { answerWaits, type People } from "./answer-waits.ts"
import type { ElicitationAnswer } from "./approvals.ts"
import type { ApprovalAnswer } from "./gateway.ts"
import { type ParkedParts, UnfinishedCalls, untilParked } from "./parked.ts"
import type { AcceptedRun } from "./start-run.ts"

/** Pause between two looks at what the sessions below a run wait for. */
const childrenPollMs = 500

export interface FollowParts extends ParkedParts {
  /** Names of the agents that the gateway serves. */
  readonly agents: readonly string[]
  readonly logger: Logger
}

export interface FollowOptions {
  /** Undefined leaves approvals open. */
  readonly onApproval: ((wait: Wait) => ApprovalAnswer | null | Promise<ApprovalAnswer | null>) | undefined
  /** Undefined leaves questions open. */
  readonly onElicitation:
    | ((wait: Wait) => ElicitationAnswer | null | Promise<ElicitationAnswer | null>)
    | undefined
  readonly hasClient: boolean
  /**
   * Called once if the run waits for people only; following then ends and leaves the run open. Undefined: it is
   * followed on.
   */
  readonly onParked?: (() => void) | undefined
  /** If true, the arguments of calls are among the frames while the model writes them. Default false. */
  readonly toolInputDeltas?: boolean | undefined
  readonly signal: AbortSignal | undefined
}

/** One entry of a run, and the frames that a client of the HTTP API is sent for it. */
export interface FollowedEntry {
  /** Null for the place of a queued run, which comes first. */
  readonly entry: LiveEntry | null
  readonly frames: readonly Frame[]
}

/** The native wire wrote the frame, so it is what the wire's schema says. */
export function toChatEvent(frame: Frame): ChatEvent {
  return JSON.parse(frame) as ChatEvent
}

/**
 * Yields a run's entries up to its end, and answers what it and its children wait for. Cancels the run when the
 * signal aborts, when a callback throws, and when the consumer leaves before the end of a run that its message
 * started. Ends early, and cancels nothing, when the process stops.
 */
export async function* followRun(
  { sessions, directory, logger }: FollowParts,
  run: AcceptedRun,
  { onApproval, onElicitation, hasClient, onParked, toolInputDeltas, signal }: FollowOptions,
): AsyncGenerator<FollowedEntry> {
  const { sessionId, runId, cursor, position } = run
  const wire = nativeWireFor({ toolInput: toolInputDeltas })
  const cancelled = Promise.withResolvers<void>()
  const cancel = async () => {
    try {
      await sessions.cancel(sessionId, runId)
    } catch (error) {
      logger.error({ error, sessionId, runId }, "A run could not be canceled. It goes on.")
    }
    cancelled.resolve()
  }
  // No one waits for a person any more once the run is canceled.
  const denied = cancelled.promise.then(() => ({ approved: false, reason: "The run was cancelled." }))
  const declined = cancelled.promise.then(() => ({ action: "cancel" }) as const)
  const people: People = {
    logger,
    approve: onApproval === undefined ? null : async (wait) => Promise.race([onApproval(wait), denied]),
    elicit:
      onElicitation === undefined ? null : async (wait) => Promise.race([onElicitation(wait), declined]),
    hasClient,
    asked: new Set(),
  }
  const over = new AbortController()
  let watching: Promise<void> | null = null
  const failures: unknown[] = []
  /** The stream of the run does not show what the sessions below it wait for. */
  const watchChildren = async () => {
    try {
      while (!over.signal.aborted && (await answerWaits(sessions, run, people)))
        await sleep(childrenPollMs, over.signal)
    } catch (error) {
      failures.push(error)
      await cancel()
    }
    watching = null
  }
  const calls = new UnfinishedCalls()
  /** Ends the view when the run is parked. */
  const leaving = new AbortController()
  let looking: Promise<void> | null = null
  const lookIfParked = async () => {
    try {
      if (await untilParked({ sessions, directory }, sessionId, { calls, signal: over.signal })) {
        onParked?.()
        leaving.abort()
      }
    } catch (error) {
      failures.push(error)
      leaving.abort()
    }
  }
  signal?.addEventListener("abort", cancel, { once: true })
  /** If true, what happens next is the consumer's or a callback's doing, and the run has not ended. */
  let isGivenUp = false
  try {
    // It may have come while the run was started.
    if (signal?.aborted === true) await cancel()
    const view = sessions.view(sessionId, {
      afterSeq: cursor,
      runId,
      throughLapse: true,
      signal: leaving.signal,
    })
    if (position !== undefined) {
      isGivenUp = true
      yield { entry: null, frames: [wire.queued(runId, position)] }
      isGivenUp = false
    }
    let state = wire.start(cursor)
    for await (const batch of view) {
      for (const entry of batch) {
        const [next, frames] = wire.fold(state, entry)
        state = next
        calls.see(entry)
        isGivenUp = !(entry.kind === "event" && isTerminal(entry.event))
        yield { entry, frames }
        if (isQuestion(entry)) {
          if (await answerWaits(sessions, run, people)) watching ??= watchChildren()
          if (onParked !== undefined) looking ??= lookIfParked()
        }
        isGivenUp = false
      }
    }
  } finally {
    signal?.removeEventListener("abort", cancel)
    over.abort()
    // A run that was open before belongs to someone else as well.
    if (isGivenUp && !run.hasJoined) await cancel()
    await watching
    await looking
  }
  for (const error of failures) throw toError(error)
}

function isQuestion(entry: LiveEntry): boolean {
  return entry.kind === "event" && entry.event.type === "waitOpened"
}
