import type { AuditRecord, Grant, GrantRevocation, Wait } from "../../../core/ports/store/approvals.ts"
import type { AnswerCommand } from "../../../core/ports/store/session-log.ts"
import type { NewWait } from "../../../core/wait.ts"
import { type Row, readJson } from "./columns.ts"

const elicitationActions = { accept: "accepted", decline: "declined", cancel: "cancelled" } as const

/** Parses a row's `body`. */
export function toAuditRecord(row: Row): AuditRecord {
  return readJson<AuditRecord>(row, "body")
}

/** Returns the audit records of an accepted answer, oldest first. */
export function createAnswerRecords(wait: Wait, command: AnswerCommand): readonly AuditRecord[] {
  const record = { ...recordOf(wait, wait.sessionId), at: command.at, decidedBy: command.decidedBy }
  switch (command.kind) {
    case "approval": {
      const { approved, editedInput, reason } = command.answer
      const decided = { ...record, action: approved ? "approved" : "denied", editedInput, reason } as const
      const grant = findGrant(wait, command)
      return grant === null ? [decided] : [decided, { ...record, action: "granted", ...selectScope(grant) }]
    }
    case "clientTool":
      return [{ ...record, action: "result" }]
    case "elicitation":
      return [{ ...record, action: elicitationActions[command.answer.action] }]
    case "child":
      // No one decided.
      return []
    default:
      return command satisfies never
  }
}

/**
 * Returns the audit record of a wait that ended without an answer. Null if the wait accepts no answer from a person.
 */
export function createClosingRecord(
  wait: NewWait,
  closing: {
    readonly sessionId: string
    readonly action: "expired" | "withdrawn"
    readonly at: number
  },
): AuditRecord | null {
  if (wait.kind === "child" || wait.kind === "timer") return null
  const { sessionId, action, at } = closing
  return { ...recordOf(wait, sessionId), at, action, decidedBy: null }
}

export function createRevocationRecord(grant: Grant, { revokedBy, at }: GrantRevocation): AuditRecord {
  const nothing = { runId: null, toolCallId: null, editedInput: null, reason: null }
  const { sessionId, toolName, qualifier, origin } = grant
  const type = { toolName, qualifier, origin, ...selectScope(grant) }
  return { at, sessionId, ...nothing, ...type, action: "revoked", decidedBy: revokedBy }
}

function selectScope({ scope }: Pick<Grant, "scope">): Pick<Grant, "scope"> {
  return scope === undefined ? {} : { scope }
}

/** Returns the grant of an accepted answer, if there is one. */
export function findGrant(wait: Wait, command: AnswerCommand): Grant | null {
  if (wait.kind !== "approval" || command.kind !== "approval") return null
  if (!command.answer.approved || !command.answer.grant) return null
  const { toolName, origin, payload } = wait
  const toolType = { toolName, qualifier: payload.qualifier, origin }
  const given = { ...toolType, grantedBy: command.decidedBy, at: command.at }
  return command.answer.scope === "tree"
    ? { sessionId: wait.rootSessionId, scope: "tree", ...given }
    : { sessionId: wait.sessionId, ...given }
}

function recordOf(wait: NewWait, sessionId: string): Omit<AuditRecord, "at" | "action" | "decidedBy"> {
  const { runId, toolCallId, toolName, origin } = wait
  const qualifier = wait.kind === "approval" ? wait.payload.qualifier : null
  return { sessionId, runId, toolCallId, toolName, qualifier, origin, editedInput: null, reason: null }
}
