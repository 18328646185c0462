import { type AnyPayload, type AnyResolution, toFormerWaitId, type WaitKind } from "../wait.ts"
import type { Event } from "./entries.ts"
import type { FormerEvent } from "./former-events.ts"

/**
 * Converts a stored event of any version into its current form. One stored event may become several events, which
 * then share its sequence number.
 */
export function upcast(stored: Event | FormerEvent, version: number): readonly Event[] {
  if (version >= 3) return [stored as Event]
  const event = upcastVersion2(stored)
  return [version >= 2 ? event : upcastVersion1(event)]
}

/** Adds the members that version 1 lacked. Output schemas and prices did not exist then. */
function upcastVersion1(event: Event): Event {
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
function upcastVersion2(event: Event | FormerEvent): Event {
  switch (event.type) {
    case "approvalRequested": {
      const { input, qualifier, reason } = event
      return toWaitOpened(event, event.toolName, { kind: "approval", payload: { input, qualifier, reason } })
    }
    case "clientToolOpened": {
      const { input, callIndex } = event
      return toWaitOpened(event, event.name, { kind: "clientTool", payload: { input, callIndex } })
    }
    case "elicitationRequested": {
      const { question, server } = event
      return toWaitOpened(event, event.toolName, { kind: "elicitation", payload: { question, server } })
    }
    case "approvalResolved": {
      const { approved, editedInput, reason } = event
      return toWaitResolved(event, { kind: "approval", resolution: { approved, editedInput, reason } })
    }
    case "elicitationResolved": {
      const { action, content } = event
      return toWaitResolved(event, { kind: "elicitation", resolution: { action, content } })
    }
    default:
      return event
  }
}

function toWaitOpened(
  event: Extract<FormerEvent, { readonly nonce: string }>,
  toolName: string,
  asked: AnyPayload,
): Event {
  const { origin, nonce, expiresAt } = event
  const continuation = "continuation" in event ? event.continuation : null
  const facts = {
    ...toCurrentIds(event, asked.kind),
    toolName,
    ...(origin && { origin }),
    continuation,
    nonce,
  }
  return { type: "waitOpened", ...facts, expiresAt, ...asked }
}

function toWaitResolved(
  event: Extract<FormerEvent, { readonly decidedBy: unknown }>,
  outcome: AnyResolution,
): Event {
  const facts = { ...toCurrentIds(event, outcome.kind), decidedBy: event.decidedBy }
  return { type: "waitResolved", ...facts, ...outcome }
}

function toCurrentIds({ toolCallId, waitId }: FormerEvent, kind: WaitKind) {
  return { waitId: waitId ?? toFormerWaitId(kind, toolCallId), toolCallId }
}
