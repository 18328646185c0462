import type { TaskEndCommand } from "../../../core/ports/store/inbox.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import { type TaskState, toAnnouncedRunId } from "../../../core/runs/background-task.ts"
import { createMessageCommand } from "../../../core/runs/create-message-command.ts"

/** Returns the id of the item that announces the end of a task. */
export function toAnnouncementId(taskId: string): string {
  return `announce:${taskId}`
}

/**
 * Returns the item that announces the end of a task to the session. The message joins the open run, or starts a new
 * one. In the session of a sub-agent, it only joins the run that started the task, because no one awaits another run.
 */
export function createAnnouncement(
  { sessionId, context, channel, at }: TaskEndCommand,
  { taskId, name, runId }: TaskState,
  { isSubAgent }: { readonly isSubAgent: boolean },
): OutboxItem {
  const text =
    `[Message of the gateway, not of the user: the background task ${taskId} (${name}) has ended. ` +
    "Collect its result with get_background_result, and tell the user the outcome.]"
  const command = createMessageCommand({
    sessionId,
    runId: toAnnouncedRunId(taskId),
    at,
    input: text,
    context,
    channel,
    whenBusy: "steer",
    ...(isSubAgent && { joins: runId }),
  })
  return { id: toAnnouncementId(taskId), kind: "command", payload: { type: "put", command } }
}
