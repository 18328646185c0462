import { isJsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import { type CommandItem, startId } from "../../../core/ports/store/outbox.ts"
import type { MessageCommand } from "../../../core/ports/store/session-log.ts"
import type { ReturnedWait, Tool } from "../../../core/ports/tools/tool.ts"
import { isTaskId } from "../../../core/runs/background-task.ts"
import type { ChildTask } from "../../../core/runs/child.ts"
import { createMessageCommand } from "../../../core/runs/create-message-command.ts"
import { resolveOrigin } from "../../../core/tools/tool-origin.ts"
import { computeBudget, computeReserved } from "../model/budget.ts"
import { selectTraceparent } from "../observing/observe-event.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import type { CallState } from "../tools/call-state.ts"
import { createWait } from "../waits/open-wait.ts"
import { refuseIfTooMany, WaitRefused } from "../waits/refused-wait.ts"
import { countWorking, waitForPlace } from "./places.ts"
import { timeToReportMs } from "./time-limit.ts"
import { listOpenChildren, timeLimitItem } from "./tree-effects.ts"

/** Maximum number of open children of one run. */
const maxOpenChildren = 32
/** Maximum depth of a session in its tree. The root has depth 0. */
const maxDepth = 8
/** Number of shares of the free budget. A child receives one share if its task sets no budget. */
const budgetShares = 4
/** Maximum characters of a task and of its continuation as JSON. */
const maxTaskCharacters = 200_000
const defaultTimeoutMs = 86_400_000
const longestTimeoutMs = 366 * 86_400_000

type ReturnedChild = Extract<ReturnedWait, { kind: "child" }>

/**
 * Opens a wait for a session that works on the task, and makes the store start that session. Both are in one commit. If
 * the maximum number of children work, the call waits until one of them has ended. Throws a `WaitRefused` if the task
 * cannot be started.
 */
export async function startChild(
  context: ModelRunContext,
  tool: Tool,
  call: CallState,
  returned: ReturnedChild,
): Promise<void> {
  const { task, continuation } = returned
  refuseIfTooMany(call, "child")
  const run = checkTask(context, task, continuation)
  // Two calls that start children at once must not reserve the same budget.
  await context.tree.oneByOne(async () => {
    const { clock, conversation, ids } = context
    const places = countPlaces(task)
    if (countWorking(conversation) >= places) {
      chooseAgent(context, run, task)
      return waitForPlace(context, tool, call, { returned, places })
    }
    const childRunId = ids.next("run")
    const { agent, sessionId, reservedUsd, start } = await planChild(context, run, call, { task, childRunId })
    const role = task.role === undefined ? {} : { role: task.role.name }
    const timeLimitAt = clock.now() + readTimeout(task)
    const { event, wait } = createWait(context, {
      toolCallId: call.requested.toolCallId,
      toolName: tool.name,
      origin: resolveOrigin(tool, call.input),
      asks: {
        kind: "child",
        payload: { agent, ...role, sessionId, runId: childRunId, reservedUsd, timeLimitAt },
      },
      answerSchema: null,
      expiresAt: timeLimitAt + timeToReportMs,
      continuation,
      // The child answers this wait, and knows no other id.
      waitId: childRunId,
      nonce: childRunId,
    })
    const timeLimit = timeLimitItem({ sessionId, runId: childRunId, at: timeLimitAt })
    await record(context, [event], { open: [wait], outbox: [start, timeLimit] })
  })
}

/** Returns the open run if the task may be started. Otherwise throws a `WaitRefused`. */
export function checkTask({ conversation }: ModelRunContext, task: unknown, continuation: unknown): RunState {
  const problem = findProblem(task, continuation)
  if (problem !== null) throw new WaitRefused("invalid_wait", `The tool's task ${problem}.`)
  const { run } = conversation
  if (run === null) throw new Error("A tool call belongs to an open run.")
  return run
}

/** A session that is about to start, and the item that makes the store start it. */
export interface PlannedChild {
  readonly agent: string
  readonly sessionId: string
  readonly reservedUsd: number | null
  readonly start: CommandItem
}

interface PlannedTask {
  readonly task: ChildTask
  readonly childRunId: string
}

/** Plans the session that works on the task. Throws a `WaitRefused` if it cannot be started. */
export async function planChild(
  context: ModelRunContext,
  run: RunState,
  { requested: { toolCallId } }: CallState,
  planned: PlannedTask,
): Promise<PlannedChild> {
  const { task, childRunId } = planned
  const { clock, conversation, ids, tree, sessionId: parentId } = context
  const agent = chooseAgent(context, run, task)
  const most = countPlaces(task)
  if (countWorking(conversation) >= most) throw createTooManyChildren(most)
  if (await tree.isStorageFull()) throw createStorageFull()
  const reservedUsd = computeReservation(context, run, planned)
  const sessionId = ids.next("sess")
  const parent = { sessionId: parentId, runId: run.runId, toolCallId }
  const child = { agent, parent, createdAt: clock.now() }
  const traceparent = selectTraceparent(context, toolCallId)
  const command = createMessage(context, run, task, {
    childId: sessionId,
    childRunId,
    reservedUsd,
    traceparent,
  })
  return {
    agent,
    sessionId,
    reservedUsd,
    start: { id: startId(childRunId), kind: "command", payload: { type: "startChild", child, command } },
  }
}

/** Returns the maximum number of children of the session that work at once. */
function countPlaces({ maxConcurrent = maxOpenChildren }: ChildTask): number {
  return Math.min(maxConcurrent, maxOpenChildren)
}

/** Returns the maximum milliseconds of the task. */
export function readTimeout({ timeoutMs = defaultTimeoutMs }: ChildTask): number {
  return timeoutMs
}

function createMessage(
  { clock }: ModelRunContext,
  { started }: RunState,
  { content, context, model, role, limits = {} }: ChildTask,
  child: {
    readonly childId: string
    readonly childRunId: string
    readonly reservedUsd: number | null
    readonly traceparent: string | null
  },
): MessageCommand {
  const { maxTurns } = limits
  const { childId: sessionId, childRunId: runId, reservedUsd, traceparent } = child
  return createMessageCommand({
    sessionId,
    runId,
    at: clock.now(),
    input: { type: "message", content },
    context: context ?? started.context,
    channel: started.channel,
    model: model ?? null,
    ...(traceparent !== null && { traceparent }),
    limits: {
      ...(maxTurns !== undefined && { maxTurns }),
      ...(reservedUsd !== null && { maxBudgetUsd: reservedUsd }),
    },
    ...(role !== undefined && { role }),
  })
}

function chooseAgent({ tree }: ModelRunContext, { started }: RunState, task: ChildTask): string {
  const agent = task.agent ?? started.agent
  if (tree.depth >= maxDepth) {
    const message = `Sub-agents may be nested at most ${maxDepth} levels deep. Do the task without another sub-agent.`
    throw new WaitRefused("too_deep", message)
  }
  if (tree.agents.includes(agent)) return agent
  const known = tree.agents.map((name) => JSON.stringify(name)).join(", ")
  throw new WaitRefused(
    "unknown_agent",
    `There is no agent ${JSON.stringify(agent)}. Choose one of: ${known}.`,
  )
}

/**
 * Returns the US dollars of the run's budget that the child may use. Null if neither the run nor the task has a
 * budget. The rest comes back with the child's answer.
 */
function computeReservation(
  context: ModelRunContext,
  run: RunState,
  { task: { limits }, childRunId }: PlannedTask,
): number | null {
  const budget = computeBudget(context, run)
  if (budget === null) return limits?.maxBudgetUsd ?? null
  const free = run.charged === null ? 0 : budget - run.charged - computeReserved(run)
  if (free <= 0) {
    const message = "The run's budget has nothing left for a sub-agent. Finish without one."
    throw new WaitRefused("budget_exceeded", message)
  }
  const openShares = Math.max(1, budgetShares - listOpenChildren(run).length - run.reservedByTasks.size)
  // A run that waits for its children needs no budget meanwhile. A run with background tasks continues, so it keeps a
  // share.
  const shares = isTaskId(childRunId) ? openShares + 1 : openShares
  return Math.min(limits?.maxBudgetUsd ?? free / shares, free)
}

/** Returns the problem of a task, if there is one. The values may come from untyped code. */
function findProblem(task: unknown, continuation: unknown): string | null {
  if (!isJsonObject(task)) return "is no object"
  if (!Array.isArray(task.content) || task.content.length === 0) return "has no content"
  if (task.agent !== undefined && typeof task.agent !== "string")
    return "has an agent name that is not a text"
  if (task.model !== undefined && typeof task.model !== "string") return "has a model name that is not a text"
  if (task.context !== undefined && !isJsonObject(task.context)) return "has a context that is not an object"
  if (!isJsonObject(continuation)) return "has a continuation that is not an object"
  const numbers = [
    task.timeoutMs,
    task.maxConcurrent,
    ...Object.values(isJsonObject(task.limits) ? task.limits : {}),
  ]
  if (numbers.some((value) => value !== undefined && !isPositive(value)))
    return "has a limit that is not above 0"
  if (isPositive(task.timeoutMs) && task.timeoutMs > longestTimeoutMs) return "waits longer than a year"
  if (nestsTooDeep([task, continuation])) return "nests too deep"
  const size = JSON.stringify([task, continuation]).length
  return size > maxTaskCharacters ? `is larger than ${maxTaskCharacters} characters` : null
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0
}

function createTooManyChildren(most: number): WaitRefused {
  const message = `At most ${most} sub-agents work at once. Wait for one of them to end.`
  return new WaitRefused("too_many_children", message)
}

function createStorageFull(): WaitRefused {
  const message =
    "The user's sessions use all of their storage, so no sub-agent can start. Do the task without one."
  return new WaitRefused("storage_full", message)
}
