import type { EventEntry, MessageCompleted, WaitResolved } from "../../../core/log/entries.ts"
import { readMessageId } from "../user-message-id.ts"
import {
  describeEvent,
  describeOwn,
  describeResult,
  describeSubAgentEnd,
  formatContent,
} from "./event-frames.ts"
import {
  type Attribution,
  createMessageId,
  createPartEnd,
  createPartStart,
  createTextEvent,
  listTexts,
  markPart,
  openPart,
} from "./message-parts.ts"
import { closeTurn, describeSegmentEnd } from "./run-end.ts"
import { endsSegment } from "./segment.ts"
import type { AgUiState, Facts } from "./state.ts"
import { addModelUsage } from "./usage.ts"

/** The state after an event, and its events of AG-UI. */
export interface FoldedEvent {
  readonly next: AgUiState
  readonly bodies: readonly string[]
}

export function foldEvent(state: AgUiState, entry: EventEntry): FoldedEvent {
  const { event, seq, runId } = entry
  const { facts, viewer } = state
  const owner: Attribution = viewer.subAgentId === null ? {} : { subagentRunId: viewer.subAgentId }
  if (endsSegment(state, event))
    return { next: { ...state, phase: "over" }, bodies: describeSegmentEnd(state) }
  const keep = (changes: Partial<Facts>): AgUiState => ({ ...state, facts: { ...facts, ...changes } })
  switch (event.type) {
    case "runStarted": {
      const isKnown = viewer.isAuthor || viewer.subAgentId !== null || event.call !== undefined
      return {
        next: state,
        bodies: isKnown ? [] : describeUser(readMessageId(runId, event), formatContent(event.content)),
      }
    }
    case "userMessageAdded": {
      const bodies = describeUser(`msg_user_${seq}`, formatContent(event.content))
      const isOwn = viewer.isAuthor && viewer.hasSteered
      const next = isOwn ? { ...state, viewer: { ...viewer, hasSteered: false } } : state
      return { next, bodies: isOwn || viewer.subAgentId !== null ? [] : bodies }
    }
    case "stepStarted": {
      const step = `turn ${event.step}`
      const bodies = [...closeTurn(state), JSON.stringify({ type: "STEP_STARTED", ...owner, stepName: step })]
      const next = keep({ messageId: event.messageId, hasText: false, step })
      return { next: { ...next, part: null, characters: 0 }, bodies }
    }
    case "stepRetried": {
      const next = keep({
        messageId: createMessageId(facts.messageId, event.attempt),
        hasText: false,
      })
      const { attempt, error } = event
      const bodies = [
        ...createPartEnd(state.part, owner),
        describeOwn(
          "message_discarded",
          { messageId: facts.messageId, attempt, reason: error.message },
          owner,
        ),
      ]
      return { next: { ...next, part: null, characters: 0 }, bodies }
    }
    case "messageCompleted":
      return foldMessage(state, event, { seq, owner })
    case "toolCallRequested": {
      const isOfClient = event.executionLocation === "client"
      const pending = isOfClient ? [...facts.pending, event] : facts.pending
      return { next: keep({ pending }), bodies: describeEvent(event, facts.messageId, owner) }
    }
    case "waitOpened":
      return { next: keep({ waits: [...facts.waits, event] }), bodies: [] }
    case "waitResolved":
      return { next: keep(resolveWait(state, event)), bodies: describeEvent(event, "", owner) }
    case "toolCallCompleted": {
      const { toolCallId, result } = event
      const isKnown = viewer.isAuthor && facts.answered.includes(toolCallId)
      return {
        next: keep({ pending: leaveOut(facts, toolCallId) }),
        bodies: isKnown ? [] : [describeResult(toolCallId, result, owner)],
      }
    }
    case "toolCallInterrupted":
      return {
        next: keep({ pending: leaveOut(facts, event.toolCallId) }),
        bodies: describeEvent(event, "", owner),
      }
    case "modelCallFailed":
      return { next: keep({ usage: addModelUsage(facts.usage, event.model, event.usage) }), bodies: [] }
    case "stepCompleted":
      return { next: { ...keep({ step: null }), part: null, characters: 0 }, bodies: closeTurn(state) }
    case "runCompleted":
    case "runFailed": {
      const bodies = closeTurn(state)
      const next = { ...keep({ step: null, end: event }), part: null, characters: 0 }
      if (viewer.subAgentId === null) return { next, bodies }
      return { next, bodies: [...bodies, describeSubAgentEnd(event, viewer.subAgentId)] }
    }
    default:
      return { next: state, bodies: describeEvent(event, "", owner) }
  }
}

function leaveOut({ pending }: Facts, toolCallId: string): Facts["pending"] {
  return pending.filter((call) => call.toolCallId !== toolCallId)
}

function resolveWait({ facts, viewer }: AgUiState, event: WaitResolved): Partial<Facts> {
  const waits = facts.waits.filter(({ waitId }) => waitId !== event.waitId)
  if (event.kind === "child") {
    return { waits, usage: addModelUsage(facts.usage, undefined, event.resolution.spent.usage) }
  }
  const isOwn = event.kind === "clientTool" && event.segment?.id === viewer.runId
  return { waits, answered: isOwn ? [...facts.answered, event.toolCallId] : facts.answered }
}

/** Returns a message of a user, which another client has sent. */
function describeUser(messageId: string, text: string): readonly string[] {
  return [
    JSON.stringify({ type: "TEXT_MESSAGE_START", messageId, role: "user" }),
    JSON.stringify({ type: "TEXT_MESSAGE_CONTENT", messageId, delta: text }),
    JSON.stringify({ type: "TEXT_MESSAGE_END", messageId }),
  ]
}

/**
 * Ends the message. Its deltas are dropped some time after it is durable (rule 6), and then the event supplies the text
 * that the client has not received.
 */
function foldMessage(
  state: AgUiState,
  { message, model, usage }: MessageCompleted,
  { seq, owner }: { readonly seq: number; readonly owner: Attribution },
): FoldedEvent {
  const { facts } = state
  const next: AgUiState = {
    ...state,
    ...{ part: null, characters: 0 },
    facts: { ...facts, usage: addModelUsage(facts.usage, model, usage) },
  }
  const texts = listTexts(message)
  const first = texts.find(({ type }) => type === "text")
  let open = state.part
  let start = 0
  const bodies: string[] = []
  for (const text of texts) {
    const end = start + text.text.length
    if (end > state.characters) {
      if (open?.index !== text.index) {
        bodies.push(...createPartEnd(open, owner))
        open = openPart(facts.messageId, markPart(text, text === first), owner)
        bodies.push(...createPartStart(open, owner))
      }
      bodies.push(createTextEvent(open, text.text.slice(Math.max(0, state.characters - start))))
    }
    start = end
  }
  bodies.push(...createPartEnd(open, owner))
  return { next, bodies: bodies.slice(countReceived(state, seq)) }
}

/** Returns the number of frames that the client has received of a delta that is gone. Their events come first. */
function countReceived({ viewer: { received }, seq: last }: AgUiState, seq: number): number {
  const isGone = received !== null && last < received.seq && received.seq < seq
  return isGone ? (received.frames ?? 0) : 0
}
