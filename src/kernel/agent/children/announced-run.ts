import type { TaskState } from "../../../core/runs/background-task.ts"
import type { RunLimits } from "../../../core/runs/child.ts"
import { defaultMaxAnnouncedRuns, type RunChain } from "../../../core/runs/run-chain.ts"

/**
 * The reason why the announcement of a task starts no run: its result was collected, or its chain has as many
 * announced runs, turns, dollars or time as its limits allow.
 */
export type Obstacle = "collected" | "runs" | "turns" | "budget" | "time"

/**
 * Returns the reason why the announcement of a task starts no run, whatever the agent's limits are. Null if it may
 * start one. `now` is in milliseconds since the Unix epoch.
 */
export function findObstacle(task: TaskState | null, now: number): Obstacle | null {
  // A task that is not known any more was collected long ago.
  if (task === null || task.state === "collected") return "collected"
  const { announced, limits } = chainOfTask(task)
  if (announced >= (task.maxAnnouncedRuns ?? defaultMaxAnnouncedRuns)) return "runs"
  return limits?.announceUntil !== undefined && now >= limits.announceUntil ? "time" : null
}

/** The limits of an agent that apply to each of its chains. */
export interface AgentLimits {
  readonly maxTurns?: number | undefined
  readonly maxBudgetUsd?: number | undefined
}

/**
 * Returns the limits of the run that announces the task: what is left of those of its chain. Returns an obstacle if
 * nothing is left. `tasks` are all tasks of the session, whose reserved amounts count as spent while they run.
 */
export function computeLimitsLeft(
  task: TaskState,
  tasks: readonly TaskState[],
  agent: AgentLimits,
): RunLimits | "turns" | "budget" {
  const chain = chainOfTask(task)
  const reserved = tasks
    .filter(({ state, chain: other }) => state === "running" && other?.origin === chain.origin)
    .reduce((sum, { reservedUsd }) => sum + (reservedUsd ?? 0), 0)
  const maxTurns = findSmallest(agent.maxTurns, chain.limits?.maxTurns)
  const maxBudgetUsd = findSmallest(agent.maxBudgetUsd, chain.limits?.maxBudgetUsd)
  const turnsLeft = maxTurns === null ? null : maxTurns - chain.turns
  if (turnsLeft !== null && turnsLeft <= 0) return "turns"
  // If the price of a model is unknown, nothing of the budget may be used.
  const spent = chain.charged === null ? Number.POSITIVE_INFINITY : chain.charged + reserved
  const dollarsLeft = maxBudgetUsd === null ? null : maxBudgetUsd - spent
  if (dollarsLeft !== null && dollarsLeft <= 0) return "budget"
  return {
    ...chain.limits,
    ...(turnsLeft !== null && { maxTurns: turnsLeft }),
    ...(dollarsLeft !== null && { maxBudgetUsd: dollarsLeft }),
  }
}

/** Returns the chain of a task. A task of an older version begins a chain of its own. */
export function chainOfTask({ chain, runId }: TaskState): RunChain {
  return chain ?? { origin: runId, announced: 0, turns: 0, charged: 0 }
}

function findSmallest(...limits: readonly (number | undefined)[]): number | null {
  const given = limits.filter((limit) => limit !== undefined)
  return given.length === 0 ? null : Math.min(...given)
}
