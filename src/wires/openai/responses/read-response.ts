import type { Run, Session } from "../../../core/ports/store/session-log.ts"
import type { Frame } from "../../../http/streams/wire.ts"
import { type AwaitedRun, awaitRun } from "../await-run.ts"
import { type Exchange, findOwnSession } from "../context.ts"
import { createNotFound } from "../errors.ts"
import type { ResponsePlace } from "../ids.ts"
import { foldResponse, parkResponse } from "./fold.ts"
import { type ResponseState, startResponse } from "./state.ts"

/** A response that the caller may see. */
export interface FoundResponse {
  readonly session: Session
  readonly run: Run
  readonly place: ResponsePlace
}

/** Resolves to null if the caller has no such stored response. */
export async function findResponse(exchange: Exchange, place: ResponsePlace): Promise<FoundResponse | null> {
  const session = place.isStored ? await findOwnSession(exchange, place.sessionId) : null
  const run = session && (await exchange.parts.sessions.run(session.id, place.runId))
  return session && run && { session, run, place }
}

/** Resolves to the response at its end. Rejects if this process stops before that. */
export async function awaitResponse(
  exchange: Exchange,
  place: ResponsePlace,
  run: Pick<AwaitedRun, "cursor" | "isNewRun">,
): Promise<ResponseState> {
  let state = startResponse(place)
  const { sessionId, runId } = place
  const waits = await awaitRun(exchange, { sessionId, runId, ...run }, (entry) => {
    state = foldResponse(state, entry)[0]
    return state.phase === "over"
  })
  const [ended] = parkResponse(state, waits)
  if (ended.final === null) throw createNotFound("There is no such response, or it has expired.")
  return ended
}

/** Milliseconds after which the present is shown as far as it was read. */
const readWithinMs = 5_000

/**
 * Resolves to the response as it is now, with the frames that led to it. A response that waits for an answer is
 * complete.
 */
export async function readResponse(
  { c, parts }: Exchange,
  { session, run, place }: FoundResponse,
): Promise<{ readonly state: ResponseState; readonly frames: readonly Frame[] }> {
  const { sessions, directory } = parts
  const frames: Frame[] = []
  let state = startResponse(place)
  const isOpen = run.endSeq === null
  if (isOpen && session.lastSeq <= run.cursor) return { state, frames }
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(readWithinMs)])
  for await (const batch of sessions.view(session.id, { afterSeq: run.cursor, runId: run.id, signal })) {
    for (const entry of batch) {
      const [next, more] = foldResponse(state, entry)
      state = next
      frames.push(...more)
    }
    const isPresent = isOpen && (batch.at(-1)?.seq ?? 0) >= session.lastSeq
    if (state.phase === "over" || isPresent) break
  }
  if (state.phase !== "open") return { state, frames }
  const { items } = await directory.runs({ sessionId: session.id, limit: 1 })
  if (items[0]?.id !== run.id || items[0].state !== "waiting") return { state, frames }
  const waits = await sessions.openWaits({ sessionId: session.id })
  const [parked, more] = parkResponse(state, waits)
  return { state: parked, frames: [...frames, ...more] }
}

/** Reads a response within the limit of what its user reads at once. Rejects with a 429 problem otherwise. */
export async function readStored(exchange: Exchange, found: FoundResponse): ReturnType<typeof readResponse> {
  const leave = exchange.parts.historyReads.take(found.session, "whole")
  try {
    return await readResponse(exchange, found)
  } finally {
    leave()
  }
}
