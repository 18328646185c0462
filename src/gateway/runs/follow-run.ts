import { toError } from "../../core/errors.ts"
import { isTerminal, type LiveEntry } from "../../core/log/entries.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Wait } from "../../core/ports/store/approvals.ts"
import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { Frame } from "../../http/streams/wire.ts"
import { isOfSubAgent } from "../../kernel/sessions/tree/sub-agent.ts"
import { nativeWire } from "../../wires/native/fold/native-wire.ts"
import type { ApprovalAnswer } from "../gateway.ts"
import type { ElicitationAnswer } from "../operate/waits.ts"
import { answerWaits, type People } from "./answer-waits.ts"
import { cancelRun } from "./cancel-run.ts"
import { createRendering } from "./render-events.ts"
import type { AcceptedRun } from "./start-run.ts"
import { type ParkedParts, UnfinishedCalls, waitUntilParked } from "./wait-until-parked.ts"

/** Maximum number of sub-agents whose questions are answered at once. */
const maxSubAgents = 1_000

export interface FollowParts extends ParkedParts {
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
   * Called once if the run waits only for people. The run stays open and is no longer followed. If undefined, the run
   * is followed to its end.
   */
  readonly onParked?: (() => void) | undefined
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
  { sessions, directory, providerErrors, logger }: FollowParts,
  run: AcceptedRun,
  { onApproval, onElicitation, hasClient, onParked, toolInputDeltas, signal }: FollowOptions,
): AsyncGenerator<FollowedEntry> {
  const { sessionId, runId, cursor, position } = run
  const cancelled = Promise.withResolvers<void>()
  const failures: unknown[] = []
  const ending = new AbortController()
  let hasCancelFailed = false
  const cancel = async (until: AbortSignal) => {
    try {
      await cancelRun({ sessions, logger }, run, until)
    } catch (error) {
      hasCancelFailed = true
      failures.push(error)
      ending.abort()
    }
    cancelled.resolve()
  }
  const onAbort = () => void cancel(ending.signal)
  // A canceled run does not wait for a person any more.
  const denied = cancelled.promise.then(() => ({ approved: false, reason: "The run was cancelled." }))
  const declined = cancelled.promise.then(() => ({ action: "cancel" }) as const)
  const left = new Promise<never>((_, reject) => {
    ending.signal.addEventListener("abort", () => reject(ending.signal.reason), { once: true })
  })
  left.catch(() => undefined)
  const people: People = {
    logger,
    approve: onApproval === undefined ? null : async (wait) => Promise.race([onApproval(wait), denied, left]),
    elicit:
      onElicitation === undefined
        ? null
        : async (wait) => Promise.race([onElicitation(wait), declined, left]),
    hasClient,
    asked: new Set(),
  }
  /** If true, the consumer or a callback has stopped before the end of the run. */
  let isGivenUp = false
  /** Answers are given one after the other. Meanwhile, the run and its sub-agents are shown. */
  let answering = Promise.resolve()
  let unanswered = 0
  let answered = 0
  const answer = async () => {
    try {
      if (!ending.signal.aborted) await answerWaits(sessions, run, people)
    } catch (error) {
      // After the run was left, its waits stay open for others.
      if (ending.signal.aborted) return
      failures.push(error)
      isGivenUp = true
      ending.abort()
    } finally {
      unanswered -= 1
      answered += 1
    }
  }
  const calls = new UnfinishedCalls()
  let looking: Promise<void> | null = null
  const lookIfParked = async () => {
    try {
      while (!ending.signal.aborted) {
        const before = answered
        if (!(await waitUntilParked({ sessions, directory }, sessionId, { calls, signal: ending.signal })))
          return
        await answering
        // The wait may have been answered since it was seen.
        if (unanswered > 0 || answered !== before) continue
        onParked?.()
        ending.abort()
      }
    } catch (error) {
      failures.push(error)
      ending.abort()
    }
  }
  signal?.addEventListener("abort", onAbort, { once: true })
  try {
    // The abort may have happened while the run was started.
    if (signal?.aborted === true) await cancel(ending.signal)
    if (position !== undefined) {
      isGivenUp = true
      yield { entry: null, frames: nativeWire.queued(runId, position) }
      isGivenUp = false
    }
    const rendered = createRendering(cursor, { toolInput: toolInputDeltas, providerErrors })
    const from = { afterSeq: cursor, runId, maxSubAgents }
    for await (const batch of sessions.viewTree(sessionId, {
      ...from,
      throughLapse: true,
      signal: ending.signal,
    })) {
      for (const [entry, frames] of rendered(batch)) {
        const isOfRun = !isOfSubAgent(batch)
        if (entry !== null && isOfRun) calls.see(entry)
        if (entry !== null && isQuestion(entry)) {
          unanswered += 1
          answering = answering.then(answer)
          if (onParked !== undefined) looking ??= lookIfParked()
        }
        isGivenUp = !(isOfRun && entry?.kind === "event" && isTerminal(entry.event))
        yield { entry: isOfRun ? entry : null, frames }
        isGivenUp = failures.length > 0
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort)
    ending.abort()
    // A run that was open before the message also belongs to another caller.
    if (isGivenUp && !run.hasJoined && !hasCancelFailed) await cancel(new AbortController().signal)
    await answering
    await looking
  }
  for (const error of failures) throw toError(error)
}

function isQuestion(entry: LiveEntry): boolean {
  return entry.kind === "event" && entry.event.type === "waitOpened"
}
