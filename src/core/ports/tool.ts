import type { Json, JsonObject } from "../json.ts"
import type { ContentPart } from "../messages.ts"
import type { Question, QuestionAnswer } from "../question.ts"
import type { Logger } from "./logger.ts"

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
  /** `client`: whoever holds the session executes it and sends the result; `execute` is never called. Default backend. */
  readonly executionLocation?: "backend" | "client"
  /** Whether a person must allow the call first. Default: what the agent's `needsApproval` says. */
  readonly approval?:
    | boolean
    | ((input: JsonObject, options: { readonly signal: AbortSignal }) => boolean | Promise<boolean>)
  /** Divides the calls of this tool into types, each granted on its own: a command's name, a path's root. Default: one. */
  readonly qualifier?: (input: JsonObject) => string | null
  /** The MCP server behind it, if any. */
  readonly server?: string
  validate(input: JsonObject): Promise<Validation>
  /** With an `InputRequired` it is over for now: it is executed again with the answer. */
  execute(input: unknown, context: ToolContext): Promise<ToolOutcome>
}

export type Validation =
  | { readonly valid: true; readonly input: unknown }
  /** `message` names each misfit by its path, for the model to mend. */
  | { readonly valid: false; readonly message: string }

export type ToolResult =
  | { readonly type: "json"; readonly value: Json }
  | { readonly type: "content"; readonly content: readonly ContentPart[] }
  | { readonly type: "error"; readonly code: string; readonly message: string }

export type ToolOutcome = ToolResult | InputRequired

/**
 * The call cannot go on before the user has answered. Then, or when the time for that is over, it is executed again with
 * the same input and `context.answered`, by whichever process: all that the tool needs to go on is in `continuation`.
 */
export interface InputRequired {
  readonly type: "inputRequired"
  readonly question: Question
  readonly continuation: JsonObject
}

export interface InputGiven extends QuestionAnswer {
  readonly continuation: JsonObject
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
  readonly runId: string
  readonly toolCallId: string
  /** The same on every attempt at this call. */
  readonly idempotencyKey: string
  /** What was answered to the `InputRequired` that the former execution of this call returned; null in the first. */
  readonly answered: InputGiven | null
  /**
   * Asks the user from inside the call, whose time limit stands still meanwhile; one question at a time. Resolves with
   * `cancel` when nobody answers in time. Rejects when the call is over, and for the eleventh question of a call. If
   * the process stops before the answer, the call ends as interrupted (or begins anew, if it may be repeated).
   */
  ask(question: Question): Promise<QuestionAnswer>
  /** Shows a piece of output to the viewers while the call runs. */
  emit(chunk: string, stream?: "stdout" | "stderr"): void
  readonly logger: Logger
}
