import { ShuttingDownError } from "../../../core/errors.ts"
import type { LiveEntry } from "../../../core/log/entries.ts"
import type { Run, Session } from "../../../core/ports/store/session-log.ts"
import type { Frame } from "../../../http/streams/wire.ts"
import { isOfSubAgent, isProgress } from "../../../kernel/sessions/tree/sub-agent.ts"
import type { Exchange } from "../context.ts"
import { createNotFound } from "../errors.ts"
import type { ResponsePlace } from "../ids.ts"
import { foldResponse, parkResponse } from "./fold.ts"
import { type ResponseState, startResponse } from "./state.ts"

/** Resolves to the response at its end. Rejects if this process stops before that. */
export async function awaitResponse(
  { c, parts }: Exchange,
  place: ResponsePlace,
  { cursor, isNewRun }: { readonly cursor: number; readonly isNewRun: boolean },
): Promise<ResponseState> {
  const { principal } = c.get("caller")
  const { sessionId, runId } = place
  const { signal } = c.req.raw
  const options = { afterSeq: cursor, runId, principal, isNewRun, deltas: false, untilParked: {}, signal }
  const view = parts.sessions.viewTree(sessionId, options)[Symbol.asyncIterator]()
  let state = startResponse(place)
  try {
    for (;;) {
      const { done, value } = await view.next()
      if (done === true) {
        if (value.type === "parked" && state.phase === "open") return parkResponse(state, value.waits)[0]
        if (value.type === "complete" && state.final !== null) return state
        throw value.type === "gone" || value.type === "complete" ? createMissing() : new ShuttingDownError()
      }
      if (isProgress(value) || isOfSubAgent(value)) continue
      state = foldAll(state, value)
      if (state.phase === "over") return state
    }
  } finally {
    await view.return?.()
  }
}

/** Milliseconds after which the present is shown as far as it was read. */
const readWithinMs = 5_000

/**
 * Resolves to the response as it is now, with the frames that led to it. A response that waits for an answer is
 * complete.
 */
export async function readResponse(
  { c, parts }: Exchange,
  { session, run, place }: { readonly session: Session; readonly run: Run; readonly place: ResponsePlace },
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

function foldAll(state: ResponseState, batch: readonly LiveEntry[]): ResponseState {
  return batch.reduce((folded, entry) => foldResponse(folded, entry)[0], state)
}

function createMissing() {
  return createNotFound("There is no such response, or it has expired.")
}
