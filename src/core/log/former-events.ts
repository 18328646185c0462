import type { JsonObject } from "../json/json.ts"
import type { Question, QuestionAnswer } from "../question.ts"
import type { ToolOrigin } from "../tools/tool-origin.ts"
import type { Decider } from "./entries.ts"

/**
 * Events of version 2 for which version 3 has other forms. While a live process reads only version 2, the gateway
 * still writes them, with the id of their wait, which older readers ignore.
 */
export type FormerEvent =
  | ApprovalRequested
  | ApprovalResolved
  | ClientToolOpened
  | ElicitationRequested
  | ElicitationResolved

export interface ApprovalRequested {
  readonly type: "approvalRequested"
  readonly waitId?: string
  readonly toolCallId: string
  readonly toolName: string
  readonly input: JsonObject
  readonly qualifier: string | null
  readonly origin?: ToolOrigin
  readonly reason: string | null
  readonly nonce: string
  readonly expiresAt: number
}

export interface ApprovalResolved {
  readonly type: "approvalResolved"
  readonly waitId?: string
  readonly toolCallId: string
  readonly approved: boolean
  readonly editedInput: JsonObject | null
  readonly reason: string | null
  readonly decidedBy: Decider | null
}

/** It ends with the call's result. */
export interface ClientToolOpened {
  readonly type: "clientToolOpened"
  readonly waitId?: string
  readonly toolCallId: string
  readonly name: string
  readonly input: JsonObject
  readonly callIndex: number
  readonly origin?: ToolOrigin
  readonly nonce: string
  readonly expiresAt: number
}

export interface ElicitationRequested {
  readonly type: "elicitationRequested"
  readonly waitId?: string
  readonly toolCallId: string
  readonly toolName: string
  readonly server: string | null
  readonly origin?: ToolOrigin
  readonly question: Question
  readonly continuation: JsonObject | null
  readonly nonce: string
  readonly expiresAt: number
}

export interface ElicitationResolved extends QuestionAnswer {
  readonly type: "elicitationResolved"
  readonly waitId?: string
  readonly toolCallId: string
  readonly decidedBy: Decider | null
}
