import type { UserContent } from "ai-agent-gateway/client/view"

/** A message that the user has written, with the options for sending it. */
export interface Draft {
  readonly content: UserContent
  readonly model: string | null
  readonly whenBusy: "queue" | "steer" | "interrupt"
}

const waiting = new Map<string, Draft>()

/** Keeps the first message of a session until the session's view is open. */
export function keepFirstMessage(sessionId: string, draft: Draft): void {
  waiting.set(sessionId, draft)
}

/** Returns and removes the message. */
export function takeFirstMessage(sessionId: string): Draft | null {
  const draft = waiting.get(sessionId) ?? null
  waiting.delete(sessionId)
  return draft
}
