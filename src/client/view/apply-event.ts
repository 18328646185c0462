import type { ImageBlock, TextBlock } from "../../core/wire/content.ts"
import type { SentEvent } from "../follow.ts"
import { applySubAgentEvent, settleSubAgents } from "./apply-sub-agent-event.ts"
import { applyTaskEvent, findTask, removeWaits } from "./apply-task-event.ts"
import { applyToolEvent } from "./apply-tool-event.ts"
import { at } from "./list.ts"
import { sumUsage } from "./sum-usage.ts"
import type { ChatView, RunEnd, ViewPart, ViewWait } from "./view.ts"
import {
  addMessageUsage,
  addParts,
  addUserContent,
  listCurrentParts,
  openRun,
  removeParts,
  replaceLastPart,
  toState,
  toView,
  type ViewState,
} from "./view-state.ts"

/**
 * Returns the view after an event. Events that the view already contains do not change it, so streams may repeat
 * them. Events of unknown types only move the cursor. The time for an event does not depend on the size of the view.
 */
export function applyEvent(view: ChatView, event: SentEvent): ChatView {
  if (event.cursor !== undefined && event.cursor <= view.cursor) return view
  const state = toState(view)
  const next = apply(state, event)
  if (event.cursor !== undefined) return toView({ ...next, cursor: event.cursor })
  return next === state ? view : toView(next)
}

function apply(state: ViewState, event: SentEvent): ViewState {
  return event.sub_agent_id === undefined
    ? settleSubAgents(applyOwn(state, event), event)
    : applySubAgentEvent(state, event, applyEvent)
}

function applyOwn(former: ViewState, event: SentEvent): ViewState {
  if (event.type === "heartbeat") return former
  const state = former.notice === null ? former : { ...former, notice: null }
  switch (event.type) {
    case "status":
      return { ...openRun(state), notice: event.message }
    case "text_delta":
      return addText(openRun(state), "text", event.text)
    case "thinking_delta":
      return addText(openRun(state), "thinking", event.text)
    case "stream_retry":
      return discardText(openRun(state), state.kept.byRetry)
    case "turn_complete":
      return {
        ...addMessageUsage(removeSubAgents(keepAll(removeIncompleteCalls(openRun(state)))), event.usage),
        usage: sumUsage(state.usage, event.usage),
      }
    case "compaction": {
      const { chars, tokens_before, tokens_after } = event
      const compaction = { chars, tokens_before, tokens_after }
      const mark = { type: "compaction", cursor: event.cursor ?? null, ...compaction } as const
      return addParts({ ...openRun(state), compaction }, [mark])
    }
    case "user_message_added":
      return addSteering(state, event.content)
    case "run_withdrawn":
      return { ...state, queued: state.queued.filter(({ run_id }) => run_id !== event.run_id) }
    case "max_turns_reached": {
      // The end of the run follows.
      const { summary } = event
      return summary === undefined
        ? state
        : { ...openRun(state), ended: { ...interrupted, reason: "max_turns", summary } }
    }
    case "stream_complete": {
      const { terminal_disposition: outcome, reason = null } = event
      return end(state, { outcome, reason, error: null })
    }
    case "error":
      return end(discardText(state, state.kept.byFailure), {
        outcome: "failed",
        reason: event.code,
        error: event.error,
        ...selectProviderMessage(event),
      })
    // The view is the sub-agent's own.
    case "sub_agent_end": {
      const { outcome, reason = null, error } = event
      const left = outcome === "failed" ? discardText(state, state.kept.byFailure) : state
      return end(left, {
        outcome,
        reason: error?.code ?? reason,
        error: error?.message ?? null,
        ...selectProviderMessage(error),
      })
    }
    case "task_registered":
    case "task_progress":
    case "task_completed":
      return applyTaskEvent(state, event)
    default:
      return applyToolEvent(state, event)
  }
}

const interrupted = { outcome: "interrupted", error: null } as const

function selectProviderMessage(failure: { readonly provider_message?: string | undefined } | undefined) {
  const message = failure?.provider_message
  return message === undefined ? {} : { provider_message: message }
}

function addText(state: ViewState, type: "text" | "thinking", text: string): ViewState {
  const parts = listCurrentParts(state)
  const last = at(parts, parts.length - 1)
  // The text that is kept must not be joined with text that may be discarded.
  const isOpen = last?.type === type && parts.length > Math.max(state.kept.byRetry, state.kept.byFailure)
  return isOpen ? replaceLastPart(state, { type, text: last.text + text }) : addParts(state, [{ type, text }])
}

/** Removes text, thinking and calls that have not started after the first `kept` parts. Other tool calls stay. */
function discardText(state: ViewState, kept: number): ViewState {
  const left = removeParts(state, kept, isVoid)
  if (left === state) return state
  return { ...left, kept: { ...state.kept, byFailure: listCurrentParts(left).length } }
}

/** Moves a queued message into the running run. */
function addSteering(state: ViewState, content: readonly (TextBlock | ImageBlock)[]): ViewState {
  const index = state.queued.findIndex(({ steers }) => steers)
  const queued = state.queued.filter((_, at) => at !== index)
  return addUserContent({ ...openRun(state), queued }, content)
}

function isVoid(part: ViewPart): boolean {
  return part.type === "text" || part.type === "thinking" || isWriting(part)
}

function isWriting(part: ViewPart): boolean {
  return part.type === "tool" && part.state === "writing"
}

/** Removes calls with incomplete arguments. They belong to the current turn. */
function removeIncompleteCalls(state: ViewState): ViewState {
  return removeParts(state, state.kept.byRetry, isWriting)
}

function keepAll(state: ViewState): ViewState {
  const { length } = listCurrentParts(state)
  return { ...state, kept: { byRetry: length, byFailure: length } }
}

function end(state: ViewState, given: RunEnd): ViewState {
  const { summary } = (state.isRunning && state.ended) || {}
  const ended = summary === undefined ? given : { ...given, summary }
  const settled = removeIncompleteCalls(state)
  const marked = ended.outcome === "completed" ? settled : addParts(settled, [{ type: "run_end", ...ended }])
  const left = removeWaits(keepAll(marked), (wait) => !isOfTask(state, wait))
  // Messages that steered the run have joined it, or another page has withdrawn them.
  const queued = state.queued.filter(({ steers, run_id }) => !steers || run_id === null)
  return { ...left, queued, isRunning: false, ended }
}

/** Removes the waits of the sub-agents that worked for calls. Background tasks go on. */
function removeSubAgents(state: ViewState): ViewState {
  return removeWaits(state, (wait) => wait.sub_agent_id !== undefined && !isOfTask(state, wait))
}

function isOfTask(state: ViewState, { sub_agent_id }: ViewWait): boolean {
  return sub_agent_id !== undefined && findTask(state, sub_agent_id) !== null
}
