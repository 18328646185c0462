import type { EndedAttempt, Observer } from "../../../core/ports/observer.ts"
import { createNameLimit, type SeriesFactory } from "./series.ts"

const responseBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Returns an observer that counts the work of this process for these agents. */
export function measureWork(
  { counter, gauge, histogram }: SeriesFactory,
  agents: readonly string[],
): Partial<Observer> {
  const runsOpened = counter("runs_opened_total", "Accepted messages that became runs.", ["agent"])
  const runsEnded = counter("runs_ended_total", "Ended runs.", ["agent", "outcome"])
  const attempts = counter(
    "model_attempts_total",
    "Ended model attempts. The outcome is completed, or the code of the error.",
    ["agent", "model", "provider", "outcome"],
  )
  const tokens = counter("tokens_total", "Tokens of model attempts.", ["agent", "model", "provider", "kind"])
  const dollars = counter("cost_dollars_total", "Cost of model attempts whose price is known.", [
    ...(["agent", "model", "provider"] as const),
  ])
  const firstToken = histogram(
    "first_token_seconds",
    "Time from a model request to its first token.",
    responseBuckets,
    ["agent", "model", "provider"],
  )
  const turn = histogram(
    "turn_seconds",
    "Time of a turn with its tool calls. Turns that gave up their process, for a wait or a shutdown, are left out.",
    responseBuckets,
    ["agent"],
  )
  const toolCalls = counter(
    "tool_calls_total",
    "Ended tool calls. The kind is mcp for tools of MCP servers, and local for others.",
    ["agent", "outcome", "kind"],
  )
  const commit = histogram("store_commit_seconds", "Time of commits to the store.", commitBuckets)
  const commitErrors = counter("store_commit_errors_total", "Commits that the store could not accept.")
  const streams = gauge("streams_open", "Clients that follow a session in this process.", ["agent"])
  const leases = gauge("leases_held", "Sessions on which this process works.", ["agent"])
  const leasesEnded = counter("leases_ended_total", "Leases that ended in this process.", [
    ...(["agent", "outcome"] as const),
  ])
  const takeovers = counter("lease_takeovers_total", "Sessions taken from a process that died.", ["agent"])
  const items = counter("outbox_items_total", "Outbox items that this process delivered or gave up.", [
    ...(["kind", "outcome"] as const),
  ])

  // Prometheus does not see the first increase of a series that was not there before.
  for (const agent of agents) {
    for (const each of [runsOpened, takeovers, streams, leases]) each.inc({ agent }, 0)
    for (const outcome of ["completed", "interrupted", "failed"]) runsEnded.inc({ agent, outcome }, 0)
  }
  const limitModels = createNameLimit()
  const limitCodes = createNameLimit()
  const limitKinds = createNameLimit()
  /** Start of the current turn by session. A session has one while this process holds its lease. */
  const turnStarts = new Map<string, number>()
  const endTurn = (agent: string, sessionId: string, at: number) => {
    const startedAt = turnStarts.get(sessionId)
    if (startedAt === undefined) return
    turnStarts.delete(sessionId)
    turn.observe({ agent }, Math.max(0, at - startedAt) / 1_000)
  }
  const labelAttempt = ({ agent, model, provider }: Pick<EndedAttempt, "agent" | "model" | "provider">) => {
    return { agent, model: limitModels(model), provider: provider ?? "unknown" }
  }

  return {
    onRunOpened: ({ agent }) => runsOpened.inc({ agent }),
    onRunEnded({ agent, outcome, sessionId, at }) {
      endTurn(agent, sessionId, at)
      runsEnded.inc({ agent, outcome })
    },
    onTurnStarted: ({ sessionId, at }) => void turnStarts.set(sessionId, at),
    onTurnEnded: ({ agent, sessionId, at }) => endTurn(agent, sessionId, at),
    onFirstToken: (attempt) => firstToken.observe(labelAttempt(attempt), attempt.afterMs / 1_000),
    onAttemptEnded(end) {
      const labels = labelAttempt(end)
      const { usage, cost, code } = end
      attempts.inc({ ...labels, outcome: code === null ? "completed" : limitCodes(code) })
      tokens.inc({ ...labels, kind: "input" }, usage.inputTokens)
      tokens.inc({ ...labels, kind: "output" }, usage.outputTokens)
      tokens.inc({ ...labels, kind: "cache_read" }, usage.cacheReadInputTokens)
      tokens.inc({ ...labels, kind: "cache_creation" }, usage.cacheCreationInputTokens)
      dollars.inc(labels, cost ?? 0)
    },
    onToolCallEnded: ({ agent, outcome, server }) =>
      toolCalls.inc({ agent, outcome, kind: server === null ? "local" : "mcp" }),
    onCommit({ durationMs, ok }) {
      commit.observe(durationMs / 1_000)
      if (!ok) commitErrors.inc()
    },
    onStreamOpened: ({ agent }) => streams.inc({ agent }),
    onStreamClosed: ({ agent }) => streams.dec({ agent }),
    onLeaseTaken(lease) {
      leases.inc({ agent: lease.agent })
      if (lease.takeovers > 0) takeovers.inc({ agent: lease.agent })
    },
    onLeaseEnded({ agent, outcome, sessionId }) {
      turnStarts.delete(sessionId)
      leases.dec({ agent })
      leasesEnded.inc({ agent, outcome })
    },
    onItemDelivered: ({ kind }) => items.inc({ kind: limitKinds(kind), outcome: "delivered" }),
    onItemDead: ({ kind }) => items.inc({ kind: limitKinds(kind), outcome: "dead" }),
  }
}
