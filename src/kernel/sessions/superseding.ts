import { GatewayError } from "../../core/errors.ts"
import type { StartedRun } from "../../core/log/superseded.ts"
import type { MessageCommand, MessageInput, Run, SessionLog } from "../../core/ports/store/session-log.ts"

/** Log version of `historyForked`, and of a message that supersedes a run. */
const supersedingVersion = 4

/** Maximum ranges of a session's log that are superseded, because each start of a run repeats them. */
const maxRanges = 1_000

/** Resolves to the start of a run of the session. Null if the run has not started. */
export async function findStartedRun(
  log: Pick<SessionLog, "run" | "read">,
  sessionId: string,
  runId: string,
): Promise<StartedRun | null> {
  const run = await log.run(sessionId, runId)
  if (run === null || run.state === "queued") return null
  // The commit that opened the run had at most one event before `runStarted`.
  const entries = await log.read(sessionId, { afterSeq: run.cursor, limit: 2, deltas: false })
  const ofRun = entries.filter((entry) => entry.kind === "event" && entry.runId === runId)
  let fork: StartedRun["fork"] = null
  for (const entry of ofRun) {
    if (entry.kind !== "event") continue
    const { event, seq } = entry
    if (event.type === "historyForked") fork = event
    if (event.type === "runStarted") return { seq, started: event, fork }
  }
  return null
}

/** Resolves to the run of the session that started last. Null if none has started. */
export async function findNewestRun(
  log: Pick<SessionLog, "run" | "read" | "runStart">,
  sessionId: string,
): Promise<Run | null> {
  const startedAt = await log.runStart(sessionId, Number.MAX_SAFE_INTEGER)
  if (startedAt === 0) return null
  const [entry] = await log.read(sessionId, { afterSeq: startedAt - 1, limit: 1, deltas: false })
  return entry?.kind === "event" && entry.runId !== null ? log.run(sessionId, entry.runId) : null
}

/**
 * Resolves to the message that supersedes a run of the session, and its reason. Without an input, it is the message of
 * that run. Rejects if the session has no such run, or if the run cannot be superseded.
 */
export async function resolveSuperseding(
  log: Pick<SessionLog, "run" | "read" | "writableVersion">,
  {
    sessionId,
    runId,
    input,
  }: { readonly sessionId: string; readonly runId: string; readonly input: MessageInput | null },
): Promise<Required<Pick<MessageCommand, "input" | "supersede">>> {
  if (input?.type === "conversation") {
    throw new GatewayError(
      { code: "invalid_body", status: 422 },
      "A message that supersedes a run continues the gateway's own history. Send it as `message`, not `messages`.",
    )
  }
  const run = await log.run(sessionId, runId)
  if (run === null)
    throw new GatewayError({ code: "run_not_found", status: 404 }, "The session has no such run.")
  const found = await findStartedRun(log, sessionId, runId)
  if (found === null) {
    throw new GatewayError(
      { code: "run_not_started", status: 409 },
      "The run has not started, so no message can take its place. Cancel it and send the message again.",
    )
  }
  if (log.writableVersion() < supersedingVersion) {
    throw new GatewayError(
      { code: "superseding_unavailable", status: 503, retryable: true },
      "A process of an older version is still running, and it cannot read superseded runs. Retry when it is upgraded.",
    )
  }
  if ((found.started.superseded ?? []).length >= maxRanges) {
    throw new GatewayError(
      { code: "too_many_branches", status: 409 },
      "The session has too many superseded runs. Start a new session.",
    )
  }
  const reason = input === null ? "retry" : "edit"
  return {
    input: input ?? { type: "message", content: found.started.content },
    supersede: { runId, reason },
  }
}
