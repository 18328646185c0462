import type { Event } from "../../../core/log/entries.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"
import type { SessionTasks } from "../../../core/ports/tools/tool.ts"
import { createMessageCommand } from "../../../core/runs/create-message-command.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "../tools/call-state.ts"
import { cancelItem } from "./tree-effects.ts"

/** The effects of one execution of a call on background tasks. They are stored with the call's result. */
export interface TaskActions {
  readonly port: SessionTasks
  events(): readonly Event[]
  outbox(): readonly OutboxItem[]
}

/** Returns the session's background tasks for a call. */
export function createTaskActions(
  context: ModelRunContext,
  { requested: { toolCallId } }: CallState,
): TaskActions {
  const { conversation, clock } = context
  const collected = new Set<string>()
  const items = new Map<string, OutboxItem>()
  const findSession = (taskId: string) => {
    const task = conversation.tasks.find(taskId)
    return task?.state === "running" ? task.sessionId : null
  }
  return {
    port: {
      list: () => conversation.tasks.all(),
      collect(taskId) {
        // The model does not receive the result of a call that it did not request.
        if (conversation.run?.started.call === undefined) collected.add(taskId)
      },
      send(taskId, text) {
        const sessionId = findSession(taskId)
        if (sessionId === null) return
        const id = `send:${toolCallId}:${items.size}`
        const command = createMessage({ sessionId, taskId, text, at: clock.now(), id })
        items.set(id, { id, kind: "command", payload: { type: "put", command } })
      },
      cancel(taskId) {
        const sessionId = findSession(taskId)
        if (sessionId === null) return
        const item = cancelItem({ sessionId, runId: taskId, at: clock.now() }, "asked")
        items.set(item.id, item)
      },
    },
    events: () =>
      collected.size === 0 ? [] : [{ type: "tasksCollected", toolCallId, taskIds: [...collected] }],
    outbox: () => [...items.values()],
  }
}

interface Sent {
  readonly sessionId: string
  readonly taskId: string
  readonly text: string
  readonly at: number
  readonly id: string
}

function createMessage({ sessionId, taskId, text, at, id }: Sent) {
  return createMessageCommand({
    sessionId,
    runId: `run_${id}`,
    at,
    input: text,
    whenBusy: "steer",
    joins: taskId,
  })
}
