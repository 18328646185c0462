import type { LiveEntry } from "../../../core/log/entries.ts"
import type { Principal, Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import type { ReadQueue } from "../reading/read-queue.ts"
import type { ViewEnd } from "../reading/view-end.ts"
import type { ViewOptions } from "../sessions.ts"
import type { OpenCalls } from "./open-calls.ts"
import { createEmptyPresent, omitResolved, type Present, readPresent } from "./session-state.ts"
import type { SubAgent } from "./sub-agent.ts"

export interface ChildViewParts {
  readonly log: Pick<SessionLog, "session" | "run" | "stepStart" | "watch">
  readonly reads: ReadQueue
  readonly view: (sessionId: string, options: ViewOptions) => AsyncIterable<readonly LiveEntry[], ViewEnd>
}

/** A session that works for a tool call. */
export type ChildToView = Omit<SubAgent, "afterSeq" | "turn" | "startedAt">

export interface ChildViewOptions {
  readonly principal: Principal | undefined
  readonly throughLapse: boolean
  /** Aborted when the call no longer waits. A session that does not exist by then will never exist. */
  readonly settled: AbortSignal
  readonly signal: AbortSignal
}

/** The first item: the sub-agent with its open state. */
export interface SubAgentStart {
  readonly subAgent: SubAgent
  readonly present: Present
  /** The open calls, if the view does not show all that is necessary to know them. */
  readonly calls?: OpenCalls
}

/**
 * Yields the run of a session that works for a call, to its end. Yields nothing if the run ended before the view
 * started.
 */
export async function* viewChild(
  parts: ChildViewParts,
  child: ChildToView,
  { principal, throughLapse, settled, signal }: ChildViewOptions,
): AsyncGenerator<SubAgentStart | readonly LiveEntry[], undefined> {
  const { sessionId, runId, parentSessionId, isNew } = child
  const session = await awaitCreation(parts.log, sessionId, AbortSignal.any([settled, signal]))
  if (session?.parent?.sessionId !== parentSessionId || signal.aborted) return
  const present = isNew ? createEmptyPresent(0) : await readPresentOfRun(parts, { session, runId, signal })
  if (present === null) return
  const afterSeq = present.turnStart
  yield { subAgent: { ...child, afterSeq, turn: present.turn, startedAt: session.createdAt }, present }
  const reader = principal === undefined ? {} : { principal }
  const view = parts.view(sessionId, { afterSeq, runId, signal, throughLapse, ...reader })
  for await (const entries of view) {
    const shown = omitResolved(entries, present)
    if (shown.length > 0) yield shown
  }
}

/** Resolves to the session when it exists. Resolves to null if it does not exist when the signal aborts. */
export async function awaitCreation(
  log: ChildViewParts["log"],
  sessionId: string,
  signal: AbortSignal,
): Promise<Session | null> {
  for await (const _ of log.watch(sessionId, { signal })) {
    const session = await log.session(sessionId)
    if (session !== null) return session
  }
  return log.session(sessionId)
}

/** Returns null if the run has ended. */
export async function readPresentOfRun(
  { log, reads }: ChildViewParts,
  {
    session,
    runId,
    signal,
  }: { readonly session: Session; readonly runId: string; readonly signal: AbortSignal },
): Promise<Present | null> {
  const run = await log.run(session.id, runId)
  if (run === null || (run.state !== "queued" && run.state !== "open")) return null
  return readPresent({ log, reads, reader: { principal: session, signal }, runId }, session)
}
