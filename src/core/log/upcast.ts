import { type AnyPayload, type AnyResolution, formerWaitId, type WaitKind } from "../wait.ts"
import type { Event } from "./entries.ts"
import type { FormerEvent } from "./former-events.ts"

/**
 * Converts a stored event of any version into its current form. One stored event may become several events, which
 * then share its sequence number.
 */
export function upcast(stored: Event | FormerEvent, version: number): readonly Event[] {
  if (version >= 3) return [stored as Event]
  const event = fromVersion2(stored)
  return [version >= 2 ? event : fromVersion1(event)]
}

/** Adds the members that version 1 lacked. Output schemas and prices did not exist then. */
function fromVersion1(event: Event): Event {
  switch (event.type) {
    case "runStarted":
      return { ...event, outputSchema: null }
    case "stepRetried":
      return { ...event, modelIndex: 0 }
    case "messageCompleted":
      return { ...event, cost: null, charged: null, estimated: false }
    case "stepCompleted":
    case "runCompleted":
    case "runFailed":
      return { ...event, cost: null }
    default:
      return event
  }
}

/** Converts the events of version 2, in which each kind of wait had its own events. */
function fromVersion2(event: Event | FormerEvent): Event {
  switch (event.type) {
    case "approvalRequested": {
      const { input, qualifier, reason } = event
      return opened(event, event.toolName, { kind: "approval", payload: { input, qualifier, reason } })
    }
    case "clientToolOpened": {
      const { input, callIndex } = event
      return opened(event, event.name, { kind: "clientTool", payload: { input, callIndex } })
    }
    case "elicitationRequested": {
      const { question, server } = event
      return opened(event, event.toolName, { kind: "elicitation", payload: { question, server } })
    }
    case "approvalResolved": {
      const { approved, editedInput, reason } = event
      return resolved(event, { kind: "approval", resolution: { approved, editedInput, reason } })
    }
    case "elicitationResolved": {
      const { action, content } = event
      return resolved(event, { kind: "elicitation", resolution: { action, content } })
    }
    default:
      return event
  }
}

function opened(
  event: Extract<FormerEvent, { readonly nonce: string }>,
  toolName: string,
  asked: AnyPayload,
): Event {
  const { origin, nonce, expiresAt } = event
  const continuation = "continuation" in event ? event.continuation : null
  const facts = { ...ids(event, asked.kind), toolName, ...(origin && { origin }), continuation, nonce }
  return { type: "waitOpened", ...facts, expiresAt, ...asked }
}

function resolved(
  event: Extract<FormerEvent, { readonly decidedBy: unknown }>,
  outcome: AnyResolution,
): Event {
  const facts = { ...ids(event, outcome.kind), decidedBy: event.decidedBy }
  return { type: "waitResolved", ...facts, ...outcome }
}

function ids({ toolCallId, waitId }: FormerEvent, kind: WaitKind) {
  return { waitId: waitId ?? formerWaitId(kind, toolCallId), toolCallId }
}
