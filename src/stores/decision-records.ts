import type { AuditRecord, Grant, GrantRevocation, Wait } from "../core/ports/approvals.ts"
import type { AnswerCommand, NewWait } from "../core/ports/session-log.ts"
import { json, type Row } from "./columns.ts"

const elicitationActions = { accept: "accepted", decline: "declined", cancel: "cancelled" } as const

/** Parses a row's `body`. Records of older versions have no origin. */
export function toAuditRecord(row: Row): AuditRecord {
  return { origin: null, ...json<Omit<AuditRecord, "origin">>(row, "body") }
}

/** What an accepted answer leaves in the audit trail, oldest first. */
export function answerRecords(wait: Wait, command: AnswerCommand): readonly AuditRecord[] {
  const record = { ...recordOf(wait, wait.sessionId), at: command.at, decidedBy: command.decidedBy }
  switch (command.type) {
    case "approval": {
      const { approved, editedInput, reason } = command
      const decided = { ...record, action: approved ? "approved" : "denied", editedInput, reason } as const
      return grantOf(wait, command) === null ? [decided] : [decided, { ...record, action: "granted" }]
    }
    case "toolResult":
      return [{ ...record, action: "result" }]
    case "elicitation":
      return [{ ...record, action: elicitationActions[command.action] }]
    default:
      return command satisfies never
  }
}

/** Of a wait that nobody answered. */
export function closingRecord(
  wait: NewWait,
  closing: {
    readonly sessionId: string
    readonly action: "expired" | "withdrawn"
    readonly at: number
  },
): AuditRecord {
  const { sessionId, action, at } = closing
  return { ...recordOf(wait, sessionId), at, action, decidedBy: null }
}

export function revocationRecord(
  { sessionId, toolName, qualifier, origin }: Grant,
  { revokedBy, at }: GrantRevocation,
): AuditRecord {
  const nothing = { runId: null, toolCallId: null, editedInput: null, reason: null }
  return { at, sessionId, ...nothing, toolName, qualifier, origin, action: "revoked", decidedBy: revokedBy }
}

/** The grant that an accepted answer gives, if it gives one. */
export function grantOf(wait: Wait, command: AnswerCommand): Grant | null {
  if (command.type !== "approval" || !command.approved || !command.grant) return null
  const { sessionId, toolName, qualifier, origin } = wait
  // A wait that an older version stored: nobody knows which tool the grant would be for.
  if (origin?.digest === "") return null
  return { sessionId, toolName, qualifier, origin, grantedBy: command.decidedBy, at: command.at }
}

function recordOf(wait: NewWait, sessionId: string): Omit<AuditRecord, "at" | "action" | "decidedBy"> {
  const { runId, toolCallId, toolName, qualifier, origin } = wait
  return { sessionId, runId, toolCallId, toolName, qualifier, origin, editedInput: null, reason: null }
}
