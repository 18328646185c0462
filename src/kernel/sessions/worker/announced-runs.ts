import { RunWithdrawnError } from "../../../core/errors.ts"
import type { RunStarted } from "../../../core/log/entries.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import type { Session, SessionLog } from "../../../core/ports/store/session-log.ts"
import { findAnnouncedTask } from "../../../core/runs/background-task.ts"
import type { Clock } from "../../../core/time/clock.ts"
import type { AgentRuntime } from "../../agent/agent-runtime.ts"
import {
  chainOfTask,
  computeLimitsLeft,
  findObstacle,
  type Obstacle,
} from "../../agent/children/announced-run.ts"
import { timeLimitItem } from "../../agent/children/tree-effects.ts"
import type { Conversation } from "../../agent/conversation.ts"

/** The parts of a run that may announce a background task. */
interface Announcing {
  readonly services: {
    readonly log: Pick<SessionLog, "put">
    readonly clock: Clock
    readonly logger: Logger
  }
  readonly session: Pick<Session, "id">
  readonly conversation: Conversation
}

/** Withdraws a run that announces a background task and must not start. Rejects with `RunWithdrawnError` then. */
export async function withdrawIfPointless(execution: Announcing, runId: string): Promise<void> {
  const taskId = findAnnouncedTask(runId)
  if (taskId === null) return
  const { services, conversation } = execution
  const obstacle = findObstacle(conversation.tasks.find(taskId), services.clock.now())
  if (obstacle !== null) await withdrawAnnounced(execution, runId, obstacle)
}

/** The parts of the start of a run that announces a background task. */
interface AnnouncedStart {
  readonly started: Pick<RunStarted, "chain" | "limits">
  /** The cancel of the run at the end of its time, if it has one. */
  readonly outbox: readonly OutboxItem[]
}

/**
 * Resolves to what is left of the limits of the run's chain. Null for a run that a message started. If nothing is left,
 * withdraws the run and rejects with `RunWithdrawnError`.
 */
export async function limitAnnounced(
  execution: Announcing,
  runId: string,
  runtime: AgentRuntime | null,
): Promise<AnnouncedStart | null> {
  const { tasks } = execution.conversation
  const task = tasks.find(findAnnouncedTask(runId) ?? "")
  if (task === null) return null
  const limits = computeLimitsLeft(task, tasks.all(), runtime?.type === "model" ? runtime : {})
  if (typeof limits === "string") return withdrawAnnounced(execution, runId, limits)
  const { announceUntil: at } = limits
  const outbox = at === undefined ? [] : [timeLimitItem({ sessionId: execution.session.id, runId, at })]
  return { started: { chain: chainOfTask(task), limits }, outbox }
}

async function withdrawAnnounced(
  { services: { log, clock, logger }, session: { id: sessionId } }: Announcing,
  runId: string,
  reason: Obstacle,
): Promise<never> {
  const message = "The end of a background task starts no run. The model learns of it with the next message."
  logger.info({ sessionId, runId, reason }, message)
  await log.put({ type: "cancel", sessionId, runId, at: clock.now() })
  throw new RunWithdrawnError(runId)
}
