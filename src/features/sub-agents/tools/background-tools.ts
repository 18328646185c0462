import type { JsonObject } from "../../../core/json/json.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import type { Answered, SessionTasks, Tool, ToolOutcome, ToolResult } from "../../../core/ports/tools/tool.ts"
import type { TaskState } from "../../../core/runs/background-task.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { createFailure, defineTool } from "../../../core/tools/define-tool.ts"
import { describeOutcome } from "./describe-outcome.ts"

const longestWaitSeconds = 120
const defaultWaitSeconds = 60
/** Bytes of a result in addition to the outcomes. */
const marginBytes = 2_000

export interface BackgroundToolParts {
  /** Maximum bytes of one result. */
  readonly maxResultBytes: number
  readonly clock: Clock
}

/** Creates the tool that gives the model the outcomes of background tasks, each once. */
export function getBackgroundResultTool(parts: BackgroundToolParts): Tool {
  return defineTool({
    name: "get_background_result",
    description:
      "Returns the results of background tasks that have ended, and which ones still run. A result is returned once. " +
      "While a task runs you can continue with other work: you receive a message when it ends.",
    properties: {
      task_id: { type: "string", description: 'Id of one task, or "*" for all.' },
      wait: {
        type: "boolean",
        description: "If true, waits until the task has ended, or all of them. Default false.",
      },
      timeout: {
        type: "integer",
        minimum: 1,
        maximum: longestWaitSeconds,
        description: `Seconds to wait. Default ${defaultWaitSeconds}.`,
      },
    },
    required: ["task_id"],
    // Two concurrent calls must not collect the same result.
    sequential: true,
    readOnly: true,
    needsApproval: false,
    execute: async (input, { tasks, answered }) => collect(input, { tasks, answered, ...parts }),
  })
}

interface Collecting extends BackgroundToolParts {
  readonly tasks: SessionTasks
  readonly answered: Answered | null
}

function collect(
  { task_id, wait, timeout }: JsonObject,
  { tasks, answered, maxResultBytes, clock }: Collecting,
): ToolOutcome {
  const all = tasks.list()
  const one = all.find(({ taskId }) => taskId === task_id)
  if (task_id !== "*" && one === undefined) return createUnknownTask(all)
  if (one?.state === "collected") {
    return createFailure(
      "already_collected",
      "The result of this task was returned before. Look for it above.",
    )
  }
  const asked = one === undefined ? all.filter(({ state }) => state !== "collected") : [one]
  const running = asked.filter(({ state }) => state === "running")
  const seconds = typeof timeout === "number" ? timeout : defaultWaitSeconds
  const until = typeof answered?.continuation.until === "number" ? answered.continuation.until : null
  if (wait === true && running.length > 0) {
    const end = until ?? clock.now() + seconds * 1_000
    const ids = running.map(({ taskId }) => taskId)
    const isOver = end <= clock.now()
    if (!isOver) return { type: "wait", kind: "timer", until: end, tasks: ids, continuation: { until: end } }
  }
  return createResults(asked, { tasks, maxResultBytes })
}

/** Collects as many outcomes as one result has room for, and at least one. */
function createResults(
  asked: readonly TaskState[],
  { tasks, maxResultBytes }: Pick<Collecting, "tasks" | "maxResultBytes">,
): ToolResult {
  const shown: JsonObject[] = []
  let bytes = marginBytes
  const ended = asked.filter(({ state }) => state === "ended")
  for (const task of ended) {
    const result = describe(task)
    bytes += estimateJsonSize(result)
    if (shown.length > 0 && bytes > maxResultBytes) break
    shown.push(result)
    tasks.collect(task.taskId)
  }
  const running = asked.filter(({ state }) => state === "running")
  const left = ended.length - shown.length
  const value = {
    results: shown,
    running: running.map(({ taskId, name }) => ({ task_id: taskId, agent: name })),
    ...(left > 0 && { more: `${left} further results wait. Call get_background_result again.` }),
  }
  return { type: "json", value }
}

function describe({ taskId, name, outcome }: TaskState): JsonObject {
  const task = { task_id: taskId, agent: name }
  return outcome === null ? task : { ...task, ...describeOutcome(outcome) }
}

/** Creates the tool that sends a message to a sub-agent in the background. */
export function sendMessageTool(): Tool {
  return defineTool({
    name: "send_message",
    description:
      "Sends a message to a background task that runs. Its sub-agent reads the message after its current turn.",
    properties: {
      task_id: { type: "string", description: "Id of the task." },
      message: { type: "string", minLength: 1, maxLength: 100_000 },
    },
    required: ["task_id", "message"],
    idempotent: true,
    execute: async ({ task_id, message }, { tasks }) =>
      actOnRunning(tasks, task_id, (taskId) => {
        tasks.send(taskId, String(message))
        return { task_id: taskId, sent: true }
      }),
  })
}

/** Creates the tool that cancels a background task. */
export function cancelTaskTool(): Tool {
  return defineTool({
    name: "cancel_task",
    description: "Cancels a background task that runs. What it has done so far stays done.",
    properties: { task_id: { type: "string", description: "Id of the task." } },
    required: ["task_id"],
    idempotent: true,
    needsApproval: false,
    execute: async ({ task_id }, { tasks }) =>
      actOnRunning(tasks, task_id, (taskId) => {
        tasks.cancel(taskId)
        return { task_id: taskId, canceling: true }
      }),
  })
}

function actOnRunning(tasks: SessionTasks, taskId: unknown, act: (taskId: string) => JsonObject): ToolResult {
  const all = tasks.list()
  const task = all.find((each) => each.taskId === taskId)
  if (task === undefined) return createUnknownTask(all)
  if (task.state === "running") return { type: "json", value: act(task.taskId) }
  return createFailure(
    "task_ended",
    "The task has ended. Collect its result with get_background_result, if you have not.",
  )
}

function createUnknownTask(all: readonly TaskState[]): ToolResult {
  const known = all.filter(({ state }) => state !== "collected").map(({ taskId }) => taskId)
  const which =
    known.length === 0 ? "There are no open background tasks." : `The open ones are: ${known.join(", ")}.`
  return createFailure("unknown_task", `There is no background task with that id. ${which}`)
}
