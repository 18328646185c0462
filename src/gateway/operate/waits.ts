import type { Json, JsonObject } from "../../core/json/json.ts"
import type { Decider } from "../../core/log/entries.ts"
import type { AuditRecord, Grant, Wait } from "../../core/ports/store/approvals.ts"
import type { GrantScope } from "../../core/wait.ts"
import type { Decisions } from "../../kernel/sessions/answering/decisions.ts"
import { requireAccepted } from "../../kernel/sessions/answering/require-accepted.ts"
import { checkApproveOptions } from "../options/check-options.ts"

/**
 * Answers approvals, client tool calls and questions from code. Answers resolve when they are durable, and reject
 * with a `GatewayError` with the same `code` as in the HTTP API: `wait_not_found`, `already_answered`,
 * `wait_expired`, `wrong_nonce`, `invalid_answer`.
 */
export interface GatewayWaits {
  /** Lists open waits of all kinds, oldest first, of one session or of all. */
  list(filter?: { readonly sessionId?: string }): Promise<readonly Wait[]>
  approve(wait: OpenWait, options?: ApproveOptions): Promise<void>
  deny(wait: OpenWait, options?: DenyOptions): Promise<void>
  /** Submits the result of a client tool's call. */
  submitResult(wait: OpenWait, result: Json, options?: AnswerOptions): Promise<void>
  /** Answers a tool's question, a wait of the kind `elicitation`, for the user. */
  answer(wait: OpenWait, answer: ElicitationAnswer, options?: AnswerOptions): Promise<void>
  /** Returns the grants that apply to the rest of the session. */
  grants(sessionId: string): Promise<readonly Grant[]>
  /** Resolves to true if there was such a grant. */
  revokeGrant(
    grant: Pick<Grant, "sessionId" | "toolName" | "qualifier">,
    options?: AnswerOptions,
  ): Promise<boolean>
  /**
   * Returns records of decisions, each with its person, time and origin, newest first: at most `limit` records, and
   * never more than 1 000.
   */
  audit(filter?: { readonly sessionId?: string; readonly limit?: number }): Promise<readonly AuditRecord[]>
}

export type OpenWait = Pick<Wait, "sessionId" | "toolCallId" | "nonce">

export interface AnswerOptions {
  /** The person who decided, for the audit trail. */
  readonly userId?: string
}

export interface ElicitationAnswer {
  /** The user accepts (and has opened the page), declines, or closes the question without an answer (`cancel`). */
  readonly action: "accept" | "decline" | "cancel"
  /** Values of an accepted form. The schema's defaults replace missing values. */
  readonly content?: JsonObject
}

export interface ApproveOptions extends AnswerOptions {
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /**
   * If true, allows the tool type (tool and qualifier) for the rest of the session. Cannot be used with edited
   * arguments.
   */
  readonly allowToolType?: boolean
  /** The sessions that `allowToolType` applies to: the session of the tool, or its whole tree. Default `session`. */
  readonly scope?: GrantScope
}

export interface DenyOptions extends AnswerOptions {
  /** Reason that the model receives. */
  readonly reason?: string
}

/** Creates the operations on waits. `decisions` may open the gateway at the first use. */
export function createWaits(
  decisions: () => Decisions | Promise<Decisions>,
  via: Decider["via"],
  by: Pick<Decider, "credential"> = {},
): GatewayWaits {
  const toDecider = ({ userId = null }: { readonly userId?: string | null } = {}): Decider => {
    return { via, tenant: null, userId, address: null, ...by }
  }
  const toTarget = ({ sessionId, toolCallId, nonce }: OpenWait) => ({ sessionId, toolCallId, nonce })
  return {
    list: async (filter = {}) => (await decisions()).openWaits(filter),
    async approve(wait, given = {}) {
      checkApproveOptions(given)
      const { userId = null, ...decided } = given
      const decision = {
        ...toTarget(wait),
        ...decided,
        approved: true,
        decidedBy: toDecider({ userId }),
      }
      requireAccepted(await (await decisions()).decide(decision))
    },
    async deny(wait, { reason, ...options } = {}) {
      const told = reason === undefined ? {} : { reason }
      const decision = { ...toTarget(wait), ...told, approved: false, decidedBy: toDecider(options) }
      requireAccepted(await (await decisions()).decide(decision))
    },
    async submitResult(wait, value, options) {
      const result = { type: "json", value } as const
      requireAccepted(
        await (await decisions()).submitResult({ ...toTarget(wait), result, decidedBy: toDecider(options) }),
      )
    },
    async answer(wait, { action, content }, options) {
      const filled = content === undefined ? {} : { content }
      const response = { ...toTarget(wait), action, ...filled, decidedBy: toDecider(options) }
      requireAccepted(await (await decisions()).respond(response))
    },
    grants: async (sessionId) => (await decisions()).grants(sessionId),
    revokeGrant: async ({ sessionId, toolName, qualifier }, options) =>
      (await decisions()).revokeGrant({ sessionId, toolName, qualifier, revokedBy: toDecider(options) }),
    audit: async (filter = {}) => (await decisions()).audit(filter),
  }
}
