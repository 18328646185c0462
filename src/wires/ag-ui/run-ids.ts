import { createHash } from "node:crypto"
import type { Run, Session } from "../../core/ports/store/session-log.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"

/** A run that a client names, by its own id or by the gateway's. */
export interface NamedRun {
  readonly run: Run
  /** If true, the client's message with this id started the run. */
  readonly isOwn: boolean
}

/**
 * Returns the id of the run that a client's message starts. It is computed from the client's id, so that every process
 * finds the run, even before it is opened.
 */
export function deriveRunId({ id }: Pick<Session, "id">, clientRunId: string): string {
  const hash = createHash("sha256").update(`${id}\n${clientRunId}`).digest("hex")
  return `run_${hash.slice(0, 32)}`
}

/**
 * Resolves to the run that a client names. An id that only answers had belongs to a part of a run, so it leads to the
 * open run.
 */
export async function findNamedRun(
  sessions: Pick<Sessions, "run">,
  session: Session,
  clientRunId: string | undefined,
): Promise<NamedRun | null> {
  const named = clientRunId === undefined ? null : await findRun(sessions, session, clientRunId)
  if (named !== null) return named
  return session.activeRun === null ? null : { run: session.activeRun, isOwn: false }
}

/** Resolves to the run that has the id. Null if none has. */
export async function findRun(
  sessions: Pick<Sessions, "run">,
  session: Session,
  id: string,
): Promise<NamedRun | null> {
  const own = await sessions.run(session.id, deriveRunId(session, id))
  if (own !== null) return { run: own, isOwn: true }
  const run = await sessions.run(session.id, id)
  return run === null ? null : { run, isOwn: false }
}
