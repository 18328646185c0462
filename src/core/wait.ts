import type { JsonObject } from "./json/json.ts"
import type { ToolResult } from "./ports/tools/tool.ts"
import type { Question, QuestionAnswer } from "./question.ts"
import type { ChildOutcome } from "./runs/child.ts"
import type { ToolOrigin } from "./tools/tool-origin.ts"

/**
 * The kinds of waits, each with its payload. A wait is an open request of a run to the outside: to a person, to the
 * client, to another session, or to the clock. To add a kind, add one entry here and one in each map below.
 */
export interface WaitPayloads {
  readonly approval: ApprovalPayload
  readonly clientTool: ClientToolPayload
  readonly elicitation: ElicitationPayload
  readonly child: ChildPayload
  readonly timer: TimerPayload
}

export type WaitKind = keyof WaitPayloads

/**
 * The people who may decide an approval. `client`: everyone with access to the session, and operators. `operator`: only
 * operators, and the application's own code.
 */
export type Approver = "client" | "operator"

/** Payload of a wait for a person who must allow the call. */
export interface ApprovalPayload {
  readonly input: JsonObject
  /** Part of the tool type that a grant is for, with the tool's name and origin. */
  readonly qualifier: string | null
  readonly reason: string | null
  /** Absent for the approver `client`. */
  readonly approvalsBy?: "operator"
}

/** Payload of a wait for a client that executes an allowed call. */
export interface ClientToolPayload {
  /** The arguments, including a person's edits. */
  readonly input: JsonObject
  readonly callIndex: number
}

/** Payload of a wait for the user's answer to a tool's question. */
export interface ElicitationPayload {
  readonly question: Question
  /** The MCP server behind the tool, if any. Users see which server asks. */
  readonly server: string | null
}

/** Payload of a wait for another session that works for the call. */
export interface ChildPayload {
  readonly agent: string
  /** Name of the role that the agent plays in the session. Default: none, the agent works as itself. */
  readonly role?: string
  readonly sessionId: string
  readonly runId: string
  /** US dollars of the parent's budget that the child may use; null if there is no budget. */
  readonly reservedUsd: number | null
  /**
   * Time at which the gateway cancels the child, in milliseconds since the Unix epoch. The wait expires later, so that
   * the child can report its partial response. Absent in waits of older versions, which expire at the time limit.
   */
  readonly timeLimitAt?: number
}

/** Payload of a wait until its `expiresAt`. It accepts no answer. */
export interface TimerPayload {
  /** Ids of background tasks. The first one to end ends the wait. Default: none. */
  readonly tasks?: readonly string[]
  /**
   * Maximum number of children of the session that work at once. The call waits to start another one, until fewer work.
   * Absent if the call does not wait for that.
   */
  readonly places?: number
}

/** The content of an answer to each kind of wait. A timer accepts none. */
export interface WaitAnswers {
  readonly approval: ApprovalDecision
  readonly clientTool: ClientToolAnswer
  readonly elicitation: QuestionAnswer
  readonly child: ChildOutcome
}

export type AnswerableKind = keyof WaitAnswers

export interface ApprovalDecision extends ApprovalResolution {
  /** If true, the same transaction grants the tool type. Only with `approved`. */
  readonly grant: boolean
  /** Default `session`. */
  readonly scope?: GrantScope
}

/**
 * The sessions that a grant applies to: the session that asked, or all sessions of its tree, including those that
 * start later.
 */
export type GrantScope = "session" | "tree"

/** The client's result of the call. */
export interface ClientToolAnswer {
  readonly result: ToolResult
}

/** The end of a wait of each kind, with an answer or without one. */
export interface WaitResolutions {
  readonly approval: ApprovalResolution
  /** The call is logged with the same result. */
  readonly clientTool: Readonly<Record<string, never>>
  readonly elicitation: QuestionAnswer
  readonly child: ChildOutcome
  readonly timer: Readonly<Record<string, never>>
}

export interface ApprovalResolution {
  readonly approved: boolean
  /** The arguments as the person edited them. Null if they are the model's. */
  readonly editedInput: JsonObject | null
  /** Reason that the model receives on denial. */
  readonly reason: string | null
}

/**
 * A part of a run that is one run of a wire's protocol. Some protocols end their run at a question, and the answer
 * starts another one. The log has the segment with the answer, so that every process finds it.
 */
export interface Segment {
  /** Name of the wire, at most 50 characters. */
  readonly wire: string
  /** Id of the protocol's run, at most 200 characters. */
  readonly id: string
}

/** Maximum characters of the members of a segment. */
export const segmentBounds = { wire: 50, id: 200 } as const

/** A kind and its payload, for each kind. */
export type AnyPayload = {
  [Kind in WaitKind]: { readonly kind: Kind; readonly payload: WaitPayloads[Kind] }
}[WaitKind]

/** A kind and its answer, for each kind that accepts one. */
export type AnyAnswer = {
  [Kind in AnswerableKind]: { readonly kind: Kind; readonly answer: WaitAnswers[Kind] }
}[AnswerableKind]

/** A kind and its resolution, for each kind. */
export type AnyResolution = {
  [Kind in WaitKind]: { readonly kind: Kind; readonly resolution: WaitResolutions[Kind] }
}[WaitKind]

/** An open request of a run to the outside. */
export type NewWait = WaitFacts & AnyPayload

interface WaitFacts {
  readonly waitId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  /** The tool that the answer is for. Null for a local tool, and for a runner's. */
  readonly origin: ToolOrigin | null
  /**
   * JSON Schema of the data in an answer: edited arguments, or a form. It is stored, so that any process can refuse
   * an answer that does not match. Null if an answer has no such data.
   */
  readonly answerSchema: JsonObject | null
  readonly nonce: string
  readonly openedAt: number
  readonly expiresAt: number
  /** The session whose token may answer it: the root of the tree of the run's session. */
  readonly rootSessionId: string
}
