import type { TaskState } from "../background-task.ts"
import type { ChildOutcome, ChildTask } from "../child.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { ContentPart } from "../messages.ts"
import type { Question, QuestionAnswer } from "../question.ts"
import type { ToolOrigin } from "../tool-origin.ts"
import type { Logger } from "./logger.ts"
import type { SchemaCheck } from "./schema-check.ts"

/**
 * Something the model may call. Local, built-in, MCP and client-executed tools all become one.
 * `execute` may throw: dispatch turns that into an error result that the model sees.
 */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema 2020-12 of the input, an object schema. */
  readonly inputSchema: JsonObject
  /** Has no effect outside: may be repeated after a crash. */
  readonly readOnly?: boolean
  /** Repeating it with the same `idempotencyKey` has no further effect: may be repeated after a crash. */
  readonly idempotent?: boolean
  /** Default: the agent's `toolTimeoutMs`. */
  readonly timeoutMs?: number
  /** Never runs beside another call of the same message. */
  readonly sequential?: boolean
  /**
   * `client`: whoever holds the session executes it and sends the result; `execute` is never called. Default backend.
   */
  readonly executionLocation?: "backend" | "client"
  /** If true, a person must allow the call first. Default: what the agent's `needsApproval` says. */
  readonly needsApproval?: boolean | ToolApprovalPolicy
  /**
   * Divides the calls of this tool into types, each granted on its own: a command's name, a path's root. Receives the
   * input as `validate` returned it. Default: one type.
   */
  qualifier?(input: unknown): string | null
  /**
   * The MCP server and its tool that are called; a function where that depends on the input. Default: none, for a local
   * tool. Approvals and grants hold for this origin only.
   */
  readonly origin?: ToolOrigin | ((input: JsonObject) => ToolOrigin | null)
  /**
   * The shorter name that the tool would have if no other tool had it too. `needsApproval` is asked about both names.
   */
  readonly plainName?: string
  /** Checks the input of a call before anyone is asked about it. */
  validate(input: JsonObject, context: ValidationContext): Promise<Validation>
  /** With a `ReturnedWait` it is over for now: it is executed again once the wait is over. */
  execute(input: unknown, context: ToolContext): Promise<ToolOutcome>
}

/** Decides for one tool if a person must allow a call. A policy that throws or does not return in time denies it. */
export type ToolApprovalPolicy<Input = unknown> = (call: {
  /** The input as `validate` returned it. */
  readonly input: Input
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}) => boolean | Promise<boolean>

export interface ValidationContext {
  readonly sessionId: string
  /** Aborted when the run is canceled, and when the process stops. */
  readonly signal: AbortSignal
  /** For inputs that a JSON Schema describes. */
  readonly checkSchema: SchemaCheck
}

export type Validation =
  | { readonly valid: true; readonly input: unknown }
  /** `message` names each problem by its path, so that the model can correct the input. */
  | { readonly valid: false; readonly message: string }

export type ToolResult =
  | ({ readonly type: "json"; readonly value: Json } & ToolResultMarks)
  | ({ readonly type: "content"; readonly content: readonly ContentPart[] } & ToolResultMarks)
  | {
      readonly type: "error"
      readonly code: string
      /** A more specific code, such as `not_found` for a failed lookup. */
      readonly subCode?: string
      readonly message: string
    }

export interface ToolResultMarks {
  /** If true, the call failed, and the model receives the result as that of a failed call. */
  readonly isError?: boolean
  /** A note for the model and for clients. The model receives it before the result. */
  readonly warning?: string
}

export type ToolOutcome = ToolResult | ReturnedWait | ReturnedTask

/** A sub-agent works on the task in the background. The call is completed at once, with the id of the task. */
export interface ReturnedTask {
  readonly type: "task"
  readonly task: ChildTask
  /** Name of the sub-agent, for people and for the model. */
  readonly name: string
  /** If true, the end of the task is a message to the session: it joins the open run, or starts one. */
  readonly announce: boolean
}

/** The background tasks of the session, for the call of a tool. */
export interface SessionTasks {
  /** Returns the tasks that run or that were not collected, and the last ones that were, oldest first. */
  list(): readonly TaskState[]
  /** Marks the outcome as received by the model. Stored with the call's result, and dropped without one. */
  collect(taskId: string): void
  /** Sends a message to the sub-agent, with the call's result. It is dropped if the task has ended by then. */
  send(taskId: string, text: string): void
  /** Cancels the task, with the call's result. */
  cancel(taskId: string): void
}

/**
 * The call cannot go on before something has happened outside. Then, or when the time for that is over, it is
 * executed again with the same input and `context.answered`, by whichever process: all that the tool needs to go on
 * is in `continuation`.
 */
export type ReturnedWait = {
  readonly type: "wait"
  readonly continuation: JsonObject
} & (
  | { readonly kind: "elicitation"; readonly question: Question }
  /** `until` is in milliseconds since the Unix epoch. The end of one of these background tasks ends it sooner. */
  | { readonly kind: "timer"; readonly until: number; readonly tasks?: readonly string[] }
  | { readonly kind: "child"; readonly task: ChildTask }
)

/** The end of the wait that the former execution of the call returned. */
export type Answered = { readonly continuation: JsonObject } & (
  | ({ readonly kind: "elicitation" } & QuestionAnswer)
  | { readonly kind: "timer" }
  | ({ readonly kind: "child" } & ChildOutcome)
)

/** An event of the application's own. */
export interface EmittedData {
  readonly type: "data"
  /** A letter, then letters, digits, `_`, `.`, `:`, `/` and `-`: at most 64 characters. */
  readonly name: string
  /** A JSON value of at most 65 536 characters. */
  readonly value: Json
  /** If true, only those who follow the session at this moment receive it. It is not stored. Default false. */
  readonly transient?: boolean
}

export interface ToolContext {
  /** Aborted on cancel, on timeout, and when the process stops. */
  readonly signal: AbortSignal
  readonly session: {
    readonly id: string
    /** Users of different tenants are different, whatever their `userId`. */
    readonly tenant: string
    readonly userId: string
    readonly channel: string | null
  }
  /** The `context` of the message that started the run, as the client sent it. */
  readonly context: JsonObject
  readonly runId: string
  readonly toolCallId: string
  /**
   * W3C Trace Context of the request that caused the run, to be passed on with the tool's own requests. Null if it
   * had none, or an invalid one.
   */
  readonly traceparent: string | null
  /** The same on every attempt at this call. */
  readonly idempotencyKey: string
  /** The end of the wait that the former execution of this call returned; null in the first execution. */
  readonly answered: Answered | null
  readonly tasks: SessionTasks
  /**
   * Asks the user from inside the call, whose time limit stands still meanwhile; one question at a time. Resolves with
   * `cancel` when nobody answers in time. Rejects when the call is over, and for the eleventh question of a call. If
   * the process stops before the answer, the call ends as interrupted (or begins anew, if it may be repeated).
   */
  ask(question: Question): Promise<QuestionAnswer>
  /** Shows a piece of output to the subscribers while the call runs. */
  emit(chunk: string, stream?: "stdout" | "stderr"): void
  /**
   * Sends an event of the application's own to the subscribers while the call runs. The model does not receive it. It
   * is stored, and part of the history, unless it is `transient`. Throws `invalid_data` for a name or value that
   * cannot be sent, and `too_much_data` for a call that has emitted too much. Does nothing once the call is over.
   */
  emit(data: EmittedData): void
  readonly logger: Logger
}
