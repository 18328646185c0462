import type { ReturnedTask } from "../../../core/ports/tools/tool.ts"
import { defaultMaxAnnouncedRuns } from "../../../core/runs/run-chain.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import { type CallState, measureCall } from "../tools/call-state.ts"
import { WaitRefused } from "../waits/refused-wait.ts"
import { checkTask, planChild, readTimeout } from "./start-child.ts"
import { timeLimitItem } from "./tree-effects.ts"

/** Maximum number of tasks of one session that are running, or have results to collect. */
const maxOpenTasks = 64
/** Maximum characters of a task's description. */
const descriptionCharacters = 200

/**
 * Makes the store start a session that works on the task, and completes the call with the id of the task, in one
 * commit. Throws a `WaitRefused` if the task cannot be started.
 */
export async function startTask(
  context: ModelRunContext,
  call: CallState,
  { task, name, announce, maxAnnouncedRuns = defaultMaxAnnouncedRuns }: ReturnedTask,
): Promise<void> {
  const run = checkTask(context, task, {})
  await context.tree.oneByOne(async () => {
    const { clock, conversation, ids } = context
    if (conversation.tasks.open().length >= maxOpenTasks) throw createTooManyTasks()
    const taskId = ids.next("task")
    const { toolCallId, name: toolName, executionLocation } = call.requested
    const { agent, sessionId, reservedUsd, start } = await planChild(context, run, call, {
      task,
      childRunId: taskId,
    })
    const at = clock.now()
    const timeLimitAt = at + readTimeout(task)
    const timeLimit = timeLimitItem({ sessionId, runId: taskId, at: timeLimitAt })
    const description = task.content.map((part) => (part.type === "text" ? part.text : "")).join(" ")
    const value = { task_id: taskId, agent: name, status: "running" }
    await record(
      context,
      [
        {
          type: "taskRegistered",
          ...{
            taskId,
            toolCallId,
            name,
            agent,
            sessionId,
            reservedUsd,
            announce,
            startedAt: at,
            timeLimitAt,
          },
          ...(announce && { maxAnnouncedRuns }),
          description: description.slice(0, descriptionCharacters).toWellFormed(),
        },
        {
          type: "toolCallCompleted",
          ...{ toolCallId, name: toolName, executionLocation, server: null },
          durationMs: measureCall(call, at),
          result: { type: "json", value },
        },
      ],
      { outbox: [start, timeLimit] },
    )
  })
}

function createTooManyTasks(): WaitRefused {
  const message = `${maxOpenTasks} background tasks are open. Collect results before you start another.`
  return new WaitRefused("too_many_children", message)
}
