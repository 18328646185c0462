import type { ContentPart } from "../../history/messages.ts"
import type { Json, JsonObject } from "../../json/json.ts"
import type { Question, QuestionAnswer } from "../../question.ts"
import type { TaskState } from "../../runs/background-task.ts"
import type { ChildOutcome, ChildTask } from "../../runs/child.ts"
import type { ToolOrigin } from "../../tools/tool-origin.ts"
import type { Approver } from "../../wait.ts"
import type { Logger } from "../logger.ts"
import type { SchemaCheck } from "./schema-check.ts"

/**
 * A tool that the model may call. Local, built-in, MCP and client-executed tools share this form. If `execute`
 * throws, the model receives an error result.
 */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema 2020-12 of the input, an object schema. */
  readonly inputSchema: JsonObject
  /** If true, the tool has no effect outside, so a call may be repeated after a crash. */
  readonly readOnly?: boolean
  /**
   * If true, repeating a call with the same `idempotencyKey` has no further effect, so a call may be repeated after a
   * crash.
   */
  readonly idempotent?: boolean
  /** Default: the agent's `toolTimeoutMs`. */
  readonly timeoutMs?: number
  /** If true, a call never runs beside another call of the same message. */
  readonly sequential?: boolean
  /**
   * With `client`, the holder of the session executes the call and sends the result, and `execute` is never called.
   * Default `backend`.
   */
  readonly executionLocation?: "backend" | "client"
  /** If true, a person must allow the call first. Default: the decision of the agent's `needsApproval`. */
  readonly needsApproval?: boolean | ToolApprovalPolicy
  /** The people who may allow a call. Default: those of the agent's `approvalsBy`. */
  readonly approvalsBy?: Approver
  /**
   * Divides the calls of this tool into types that are granted separately: a command's name, a path's root. Receives
   * the input as `validate` returned it. Default: one type.
   */
  qualifier?(input: unknown): string | null
  /**
   * The MCP server and the tool of a call; a function if they depend on the input. Default: none, for a local tool.
   * Approvals and grants apply to this origin only.
   */
  readonly origin?: ToolOrigin | ((input: JsonObject) => ToolOrigin | null)
  /**
   * The shorter name that the tool would have if no other tool had the same name. `needsApproval` is asked about both
   * names.
   */
  readonly plainName?: string
  /** Checks the input of a call before any person is asked about it. */
  validate(input: JsonObject, context: ValidationContext): Promise<Validation>
  /**
   * If it returns a `ReturnedWait`, the execution ends for now. The tool is executed again after the wait has ended.
   */
  execute(input: unknown, context: ToolContext): Promise<ToolOutcome>
}

/**
 * Decides for one tool if a person must allow a call. If the policy throws or does not return in time, the call is
 * denied.
 */
export type ToolApprovalPolicy<Input = unknown> = (call: {
  /** The input as `validate` returned it. */
  readonly input: Input
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}) => boolean | Promise<boolean>

export interface ValidationContext {
  readonly session: Pick<ToolContext["session"], "id" | "tenant" | "userId">
  /** Aborted when the run is canceled, and when the process stops. */
  readonly signal: AbortSignal
  /** Schema check for inputs that a JSON Schema describes. */
  readonly checkSchema: SchemaCheck
}

export type Validation =
  | { readonly valid: true; readonly input: unknown }
  /** `message` names the path of each problem, so that the model can correct the input. */
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
  /** Note for the model and for clients. The model receives it before the result. */
  readonly warning?: string
  /**
   * Names of MCP servers with `onDemand` whose tools the session is offered from the next model call on. Ignored in the
   * results of MCP tools. Absent if there are none.
   */
  readonly loadServers?: readonly string[]
}

export type ToolOutcome = ToolResult | ReturnedWait | ReturnedTask

/** The sub-agent works on the task in the background. The call completes at once, with the id of the task. */
export interface ReturnedTask {
  readonly type: "task"
  readonly task: ChildTask
  /** Name of the sub-agent, for people and for the model. */
  readonly name: string
  /** If true, the end of the task becomes a message to the session: it joins the open run, or starts a new one. */
  readonly announce: boolean
  /** Maximum number of runs that such messages start after one message of the user. Default 8. */
  readonly maxAnnouncedRuns?: number
}

/** The background tasks of the session, for a tool call. */
export interface SessionTasks {
  /**
   * Returns the running tasks, the tasks that were not collected, and the last tasks that were collected, oldest
   * first.
   */
  list(): readonly TaskState[]
  /**
   * Marks the outcome as received by the model. The mark is stored with the call's result, and dropped if the call
   * has no result.
   */
  collect(taskId: string): void
  /**
   * Sends a message to the sub-agent, with the call's result. The message is dropped if the task has ended by then.
   */
  send(taskId: string, text: string): void
  /** Cancels the task, with the call's result. */
  cancel(taskId: string): void
}

/**
 * The call cannot continue before an event outside. After that event, or when the wait expires, any process executes
 * the tool again with the same input and `context.answered`. `continuation` contains everything that the tool needs
 * to continue.
 */
export type ReturnedWait = {
  readonly type: "wait"
  readonly continuation: JsonObject
} & (
  | { readonly kind: "elicitation"; readonly question: Question }
  /**
   * `until` is in milliseconds since the Unix epoch. The end of one of these background tasks ends the wait sooner.
   */
  | { readonly kind: "timer"; readonly until: number; readonly tasks?: readonly string[] }
  | { readonly kind: "child"; readonly task: ChildTask }
)

/** The end of the wait that the previous execution of the call returned. */
export type Answered = { readonly continuation: JsonObject } & (
  | ({ readonly kind: "elicitation" } & QuestionAnswer)
  | { readonly kind: "timer" }
  | ({ readonly kind: "child" } & ChildOutcome)
)

/** An application event. */
export interface EmittedData {
  readonly type: "data"
  /** A letter, then letters, digits, `_`, `.`, `:`, `/` and `-`: at most 64 characters. */
  readonly name: string
  /** A JSON value of at most 65 536 characters. */
  readonly value: Json
  /** If true, only current subscribers receive it, and it is not stored. Default false. */
  readonly transient?: boolean
}

export interface ToolContext {
  /** Aborted on cancel, on timeout, and when the process stops. */
  readonly signal: AbortSignal
  readonly session: {
    readonly id: string
    /** Users of different tenants are different, even with the same `userId`. */
    readonly tenant: string
    readonly userId: string
    readonly channel: string | null
  }
  /** The `context` of the message that started the run, as the client sent it. */
  readonly context: JsonObject
  readonly runId: string
  readonly toolCallId: string
  /**
   * W3C Trace Context of the request that caused the run, for the tool's own requests. Null if the request had none,
   * or an invalid one.
   */
  readonly traceparent: string | null
  /** The same in every attempt of this call. */
  readonly idempotencyKey: string
  /** The end of the wait that the previous execution of this call returned. Null in the first execution. */
  readonly answered: Answered | null
  readonly tasks: SessionTasks
  /**
   * Asks the user a question during the call. The call's time limit pauses meanwhile. Only one question may be open
   * at a time. Resolves to `cancel` if no one answers in time. Rejects when the call ends, and for the eleventh
   * question of a call. If the process stops before the answer, the call ends as interrupted, or restarts if it may
   * be repeated.
   */
  ask(question: Question): Promise<QuestionAnswer>
  /** Shows a piece of output to the subscribers while the call runs. */
  emit(chunk: string, stream?: "stdout" | "stderr"): void
  /**
   * Sends an application event to the subscribers while the call runs. The model does not receive it. It is stored in
   * the history, unless it is `transient`. Throws `invalid_data` for a name or value that cannot be sent, and
   * `too_much_data` if the call has emitted too much. Does nothing after the call has ended.
   */
  emit(data: EmittedData): void
  readonly logger: Logger
}
