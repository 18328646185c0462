import type { JsonObject } from "../../../core/json/json.ts"
import { formatDecider } from "../../../core/log/decider.ts"
import type {
  AppData,
  Event,
  RunCompleted,
  RunFailed,
  ToolCallInterrupted,
} from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { isFailure } from "../../../core/tools/tool-result.ts"
import type { TaskProgress } from "../../../kernel/sessions/tree/task-progress.ts"
import type { Attribution } from "./message-parts.ts"

/** Events that change the stream's own state, which the fold describes itself. */
type OfFold =
  | "runStarted"
  | "stepStarted"
  | "stepRetried"
  | "messageCompleted"
  | "stepCompleted"
  | "userMessageAdded"
  | "toolCallCompleted"
  | "runCompleted"
  | "runFailed"

const nothing: readonly string[] = []

/** Returns the events of AG-UI for an event that does not depend on the ones before it. */
export function describeEvent(
  event: Exclude<Event, { type: OfFold }>,
  parentMessageId: string,
  owner: Attribution,
): readonly string[] {
  switch (event.type) {
    case "historyReplaced":
    case "historyForked":
    case "runWithdrawn":
    case "compactionStarted":
    case "compactionFailed":
    case "toolResultsShortened":
    case "modelCallFailed":
    case "interceptorDecided":
    case "waitOpened":
    case "toolCallStarted":
    case "tasksCollected":
    case "outputRejected":
    case "runnerStateSaved":
      return nothing
    case "historyCompacted": {
      const { tokensBefore, tokensAfter } = event
      return [describeOwn("compaction", { tokensBefore, tokensAfter }, owner)]
    }
    case "toolCallRequested": {
      const { toolCallId, name: toolCallName, input } = event
      const call = { toolCallId, toolCallName, parentMessageId }
      return [
        JSON.stringify({ type: "TOOL_CALL_START", ...owner, ...call }),
        JSON.stringify({ type: "TOOL_CALL_ARGS", ...owner, toolCallId, delta: JSON.stringify(input) }),
        JSON.stringify({ type: "TOOL_CALL_END", ...owner, toolCallId }),
      ]
    }
    case "waitResolved": {
      const { toolCallId } = event
      const decidedBy = formatDecider(event.decidedBy)
      if (event.kind === "approval") {
        const { approved, editedInput } = event.resolution
        const value = { toolCallId, approved, edited: editedInput !== null, decidedBy }
        return [describeOwn("approval_resolved", value, owner)]
      }
      if (event.kind !== "elicitation") return nothing
      return [
        describeOwn("question_resolved", { toolCallId, action: event.resolution.action, decidedBy }, owner),
      ]
    }
    case "toolCallInterrupted":
      return [describeResult(event.toolCallId, createInterruptedResult(event), owner)]
    case "dataEmitted":
      return [describeData(event, owner)]
    case "taskRegistered": {
      const { taskId, name, toolCallId } = event
      return [describeOwn("task_registered", { taskId, name, toolCallId }, owner)]
    }
    case "taskEnded": {
      const { taskId, name, toolCallId } = event
      const { outcome, response } = event.outcome
      return [describeOwn("task_ended", { taskId, name, toolCallId, outcome, response }, owner)]
    }
    case "maxTurnsReached": {
      const { turnCount, maxTurns, summary = null } = event
      return [describeOwn("max_turns_reached", { turnCount, maxTurns, summary }, owner)]
    }
    case "budgetExceeded":
      return [describeOwn("budget_exceeded", { totalCost: event.totalCost, budget: event.budget }, owner)]
    default:
      return event satisfies never
  }
}

/** Returns an event of the gateway's own, which AG-UI has no type for. */
export function describeOwn(name: string, value: JsonObject, owner: Attribution): string {
  return JSON.stringify({ type: "CUSTOM", ...owner, name: `gateway.${name}`, value })
}

/** Returns an application event. */
export function describeData({ toolCallId, name, value }: AppData, owner: Attribution): string {
  return JSON.stringify({ type: "CUSTOM", ...owner, name, value, metadata: { toolCallId } })
}

export function describeProgress(progress: TaskProgress): string {
  const { taskId, name, turn, toolName } = progress
  return describeOwn("task_progress", { taskId, name, turn, toolName }, {})
}

/** Returns the result that a client is shown for a call that has none. */
export function createInterruptedResult({ reason, outcome }: ToolCallInterrupted): ToolResult {
  const message = `The call was interrupted (${reason}). Its outcome: ${outcome.replace("_", " ")}.`
  return { type: "error", code: "interrupted", message }
}

export function describeResult(toolCallId: string, result: ToolResult, owner: Attribution): string {
  return JSON.stringify({
    type: "TOOL_CALL_RESULT",
    ...owner,
    messageId: createResultId(toolCallId),
    toolCallId,
    role: "tool",
    ...createResultContent(result),
  })
}

/** Returns the content of a result. Older clients accept text only, so an image is named and not contained. */
export function createResultContent(result: ToolResult) {
  return { content: formatResult(result), ...(isFailure(result) && { metadata: { isError: true } }) }
}

export function createResultId(toolCallId: string): string {
  return `${toolCallId}_result`
}

function formatResult(result: ToolResult): string {
  switch (result.type) {
    case "json":
      return typeof result.value === "string" ? result.value : JSON.stringify(result.value)
    case "content":
      return formatContent(result.content)
    case "error":
      return `${result.code}: ${result.message}`
    default:
      return result satisfies never
  }
}

/** Returns content as text. An image is only named, because a text message cannot contain it. */
export function formatContent(content: readonly { readonly type: string; readonly text?: string }[]): string {
  return content.map(({ type, text }) => text ?? `[${type}]`).join("\n")
}

/** Returns the last event of a sub-agent's run. */
export function describeSubAgentEnd(event: RunCompleted | RunFailed, subagentRunId: string): string {
  if (event.type === "runFailed") {
    const { message, code } = event
    return JSON.stringify({ type: "SUBAGENT_ERROR", subagentRunId, message, code })
  }
  const { reason } = event
  if (reason === "cancelled") {
    return JSON.stringify({
      type: "SUBAGENT_ERROR",
      subagentRunId,
      message: "The sub-agent was canceled.",
      code: reason,
    })
  }
  const metadata = reason === null ? {} : { metadata: { reason } }
  return JSON.stringify({
    type: "SUBAGENT_FINISHED",
    subagentRunId,
    outcome: { type: "success" },
    ...metadata,
  })
}
