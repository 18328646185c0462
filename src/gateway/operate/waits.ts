import type { Json, JsonObject } from "../../core/json/json.ts"
import type { Decider } from "../../core/log/entries.ts"
import type { AuditRecord, Grant, Wait } from "../../core/ports/store/approvals.ts"
import type { GrantScope } from "../../core/wait.ts"
import type { Decisions } from "../../kernel/sessions/answering/decisions.ts"
import { requireAccepted } from "../../kernel/sessions/answering/require-accepted.ts"
import type { AnswerTarget, GivenAnswer } from "../../kernel/sessions/sessions.ts"
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
export function createWaits(decisions: () => Promise<Decisions>): GatewayWaits {
  async function answer(
    { sessionId, toolCallId, nonce }: OpenWait,
    given: (target: AnswerTarget) => GivenAnswer,
    userId: string | undefined,
  ): Promise<void> {
    const target = { sessionId, toolCallId, nonce, decidedBy: createCodeDecider(userId) }
    requireAccepted(await (await decisions()).answer(given(target)))
  }

  return {
    list: async (filter = {}) => (await decisions()).openWaits(filter),
    async approve(wait, given = {}) {
      checkApproveOptions(given)
      const { userId, ...edited } = given
      await answer(wait, (target) => ({ ...edited, kind: "approval", approved: true, ...target }), userId)
    },
    async deny(wait, { userId, reason } = {}) {
      const denial = { kind: "approval", approved: false, ...(reason !== undefined && { reason }) } as const
      await answer(wait, (target) => ({ ...denial, ...target }), userId)
    },
    async submitResult(wait, value, { userId } = {}) {
      const result = { type: "json", value } as const
      await answer(wait, (target) => ({ kind: "clientTool", result, ...target }), userId)
    },
    async answer(wait, { action, content }, { userId } = {}) {
      const response = { kind: "elicitation", action, ...(content !== undefined && { content }) } as const
      await answer(wait, (target) => ({ ...response, ...target }), userId)
    },
    grants: async (sessionId) => (await decisions()).grants(sessionId),
    revokeGrant: async ({ sessionId, toolName, qualifier }, { userId } = {}) =>
      (await decisions()).revokeGrant({
        sessionId,
        toolName,
        qualifier,
        revokedBy: createCodeDecider(userId),
      }),
    audit: async (filter = {}) => (await decisions()).audit(filter),
  }
}

/** Returns code as the origin of an answer that a user may have given. */
export function createCodeDecider(userId: string | null = null): Decider {
  return { via: "code", tenant: null, userId, address: null }
}
