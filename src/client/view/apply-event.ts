import type { SentEvent } from "../follow.ts"
import type { ImageBlock, TextBlock, Usage } from "../wire/content.ts"
import { applySubAgentEvent, settleSubAgents } from "./apply-sub-agent-event.ts"
import { applyTaskEvent, findTask, removeWaits } from "./apply-task-event.ts"
import { applyToolEvent } from "./apply-tool-event.ts"
import {
  addUserMessage,
  type ChatView,
  listCurrentParts,
  openRun,
  type RunEnd,
  replaceParts,
  type ViewPart,
  type ViewWait,
} from "./view.ts"

/**
 * Returns the view after an event. Events that the view already contains do not change it, so streams may repeat
 * them. Events of unknown types only move the cursor.
 */
export function applyEvent(view: ChatView, event: SentEvent): ChatView {
  if (event.cursor !== undefined && event.cursor <= view.cursor) return view
  const next = apply(view, event)
  return event.cursor === undefined ? next : { ...next, cursor: event.cursor }
}

function apply(view: ChatView, event: SentEvent): ChatView {
  return event.sub_agent_id === undefined
    ? settleSubAgents(applyOwn(view, event), event)
    : applySubAgentEvent(view, event, apply)
}

function applyOwn(former: ChatView, event: SentEvent): ChatView {
  if (event.type === "heartbeat") return former
  const view = former.notice === null ? former : { ...former, notice: null }
  switch (event.type) {
    case "status":
      return { ...openRun(view), notice: event.message }
    case "text_delta":
      return addText(openRun(view), "text", event.text)
    case "thinking_delta":
      return addText(openRun(view), "thinking", event.text)
    case "stream_retry":
      return discardText(openRun(view), view.kept.byRetry)
    case "turn_complete":
      return {
        ...addUsage(removeSubAgents(keepAll(removeIncompleteCalls(openRun(view)))), event.usage),
        usage: sum(view.usage, event.usage),
      }
    case "compaction": {
      const { chars: characters, tokens_before: tokensBefore, tokens_after: tokensAfter } = event
      const compaction = { characters, tokensBefore, tokensAfter }
      const open = { ...openRun(view), compaction }
      const mark = { type: "compaction", cursor: event.cursor ?? null, ...compaction } as const
      return replaceParts(open, [...listCurrentParts(open), mark])
    }
    case "user_message_added":
      return addSteering(view, event.content)
    case "run_withdrawn":
      return { ...view, queued: view.queued.filter(({ runId }) => runId !== event.run_id) }
    case "stream_complete": {
      const { terminal_disposition: outcome, reason = null } = event
      return end(view, { outcome, reason, error: null })
    }
    case "error":
      return end(discardText(view, view.kept.byFailure), {
        outcome: "failed",
        reason: event.code,
        error: event.error,
      })
    // The view is the sub-agent's own.
    case "sub_agent_end": {
      const { outcome, reason = null, error } = event
      const left = outcome === "failed" ? discardText(view, view.kept.byFailure) : view
      return end(left, { outcome, reason: error?.code ?? reason, error: error?.message ?? null })
    }
    case "task_registered":
    case "task_progress":
    case "task_completed":
      return applyTaskEvent(view, event)
    default:
      return applyToolEvent(view, event)
  }
}

function addText(view: ChatView, type: "text" | "thinking", text: string): ChatView {
  const parts = listCurrentParts(view)
  const last = parts.at(-1)
  // The text that is kept must not be joined with text that may be discarded.
  const isOpen = last?.type === type && parts.length > Math.max(view.kept.byRetry, view.kept.byFailure)
  if (!isOpen) return replaceParts(view, [...parts, { type, text }])
  return replaceParts(view, [...parts.slice(0, -1), { type, text: last.text + text }])
}

/** Removes text, thinking and calls that have not started after the first `kept` parts. Other tool calls stay. */
function discardText(view: ChatView, kept: number): ChatView {
  const parts = listCurrentParts(view)
  const left = parts.filter((part, index) => index < kept || !isVoid(part))
  if (left.length === parts.length) return view
  return { ...replaceParts(view, left), kept: { ...view.kept, byFailure: left.length } }
}

/** Moves a queued message into the running run. */
function addSteering(view: ChatView, content: readonly (TextBlock | ImageBlock)[]): ChatView {
  const index = view.queued.findIndex(({ steers }) => steers)
  const queued = view.queued.filter((_, at) => at !== index)
  return addUserMessage({ ...openRun(view), queued }, content)
}

function isVoid(part: ViewPart): boolean {
  return part.type === "text" || part.type === "thinking" || isWriting(part)
}

function isWriting(part: ViewPart): boolean {
  return part.type === "tool" && part.state === "writing"
}

/** Removes calls with incomplete arguments. */
function removeIncompleteCalls(view: ChatView): ChatView {
  const parts = listCurrentParts(view)
  return parts.some(isWriting)
    ? replaceParts(
        view,
        parts.filter((part) => !isWriting(part)),
      )
    : view
}

function keepAll(view: ChatView): ChatView {
  const { length } = listCurrentParts(view)
  return { ...view, kept: { byRetry: length, byFailure: length } }
}

function end(view: ChatView, ended: RunEnd): ChatView {
  const left = removeWaits(keepAll(removeIncompleteCalls(view)), (wait) => !isOfTask(view, wait))
  // Messages that steered the run have joined it, or another page has withdrawn them.
  const queued = view.queued.filter(({ steers, runId }) => !steers || runId === null)
  return { ...left, queued, isRunning: false, ended }
}

/** Removes the waits of the sub-agents that worked for calls. Background tasks go on. */
function removeSubAgents(view: ChatView): ChatView {
  return removeWaits(view, (wait) => wait.sub_agent_id !== undefined && !isOfTask(view, wait))
}

function isOfTask(view: ChatView, { sub_agent_id }: ViewWait): boolean {
  return sub_agent_id !== undefined && findTask(view, sub_agent_id) !== null
}

/** Adds usage. A turn without text and calls has no message. */
function addUsage(view: ChatView, usage: Usage): ChatView {
  const last = view.messages.at(-1)
  if (last?.role !== "assistant") return view
  return { ...view, messages: [...view.messages.slice(0, -1), { ...last, usage: sum(last.usage, usage) }] }
}

function sum(before: Usage | null, turn: Usage): Usage {
  if (before === null) return turn
  const costs = [before.estimated_cost, turn.estimated_cost]
  return {
    input_tokens: before.input_tokens + turn.input_tokens,
    output_tokens: before.output_tokens + turn.output_tokens,
    cache_creation_input_tokens: before.cache_creation_input_tokens + turn.cache_creation_input_tokens,
    cache_read_input_tokens: before.cache_read_input_tokens + turn.cache_read_input_tokens,
    estimated_cost: costs.includes(null)
      ? null
      : costs.reduce<number>((total, cost) => total + (cost ?? 0), 0),
  }
}
