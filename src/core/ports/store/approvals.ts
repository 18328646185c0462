import type { JsonObject } from "../../json/json.ts"
import type { Decider } from "../../log/entries.ts"
import type { ToolOrigin } from "../../tools/tool-origin.ts"
import type { GrantScope, NewWait, WaitKind } from "../../wait.ts"

/** Open waits, grants and decisions of all sessions. They are removed together with their sessions. */
export interface Approvals {
  /**
   * Returns the newest wait with this key in the session, or in the tree whose root is the session. A call may open
   * several waits of one kind, one after the other.
   */
  wait(sessionId: string, key: WaitKey): Promise<Wait | null>
  /** Returns open waits that have not expired, oldest first, at most `limit`. */
  openWaits(filter: WaitFilter): Promise<readonly Wait[]>

  /**
   * Returns the grants that apply to the session. The gateway reads them for each decision, so a revocation takes
   * effect at once.
   */
  grants(sessionId: string): Promise<readonly Grant[]>
  /** Resolves to true if there was such a grant. The audit trail has a record for each grant that is revoked. */
  revokeGrant(revocation: GrantRevocation): Promise<boolean>

  /** Returns records of decisions, each with its time and origin: newest first, at most `limit`. */
  audit(filter: AuditFilter): Promise<readonly AuditRecord[]>
}

export type Wait = NewWait & {
  readonly sessionId: string
  readonly tenant: string
  readonly userId: string
  readonly state: "open" | "answered" | "expired" | "withdrawn"
}

/** Identifies a wait by its id or by its call, because clients know the call. */
export type WaitKey = { readonly waitId: string } | { readonly toolCallId: string; readonly kind: WaitKind }

export interface WaitFilter {
  /** Only waits of this session, and of the tree whose root it is. Default: waits of all sessions. */
  readonly sessionId?: string
  readonly kind?: WaitKind
  /** Only waits of sessions of this tenant. */
  readonly tenant?: string
  readonly now: number
  readonly limit: number
}

/** Name, origin and qualifier of a tool. A grant covers all calls of one type. */
export interface ToolType {
  readonly toolName: string
  /** Null for a local tool, and for a runner's. */
  readonly origin: ToolOrigin | null
  readonly qualifier: string | null
}

export interface Grant extends ToolType {
  /** The session of the grant. With the scope `tree`, the root of the tree. */
  readonly sessionId: string
  /** Default `session`. */
  readonly scope?: GrantScope
  readonly grantedBy: Decider
  readonly at: number
}

/** Revokes the grants of this name and qualifier that apply to the session, whatever their origins are. */
export interface GrantRevocation {
  readonly sessionId: string
  readonly toolName: string
  readonly qualifier: string | null
  readonly revokedBy: Decider
  readonly at: number
}

export interface AuditFilter {
  readonly sessionId?: string
  /** Only records of sessions of this tenant. */
  readonly tenant?: string
  readonly limit: number
}

export interface AuditRecord {
  readonly at: number
  readonly sessionId: string
  readonly runId: string | null
  readonly toolCallId: string | null
  readonly toolName: string
  readonly qualifier: string | null
  /** Null for a local tool, for a runner's, and in records of older versions. */
  readonly origin: ToolOrigin | null
  /** `accepted`, `declined` and `cancelled` are answers to questions. The content of forms is left out. */
  readonly action:
    | "approved"
    | "denied"
    | "accepted"
    | "declined"
    | "cancelled"
    | "expired"
    | "withdrawn"
    | "result"
    | "granted"
    | "revoked"
  /** Scope of a grant that was created or revoked. Default `session`. */
  readonly scope?: GrantScope
  /** Null if no one decided, because the wait expired or the run ended. */
  readonly decidedBy: Decider | null
  /** The edited arguments, if any. */
  readonly editedInput: JsonObject | null
  readonly reason: string | null
}
