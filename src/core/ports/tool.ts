import type { Json, JsonObject } from "../json.ts"
import type { ContentPart } from "../messages.ts"
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
  readonly approval?: boolean | ((input: JsonObject) => boolean | Promise<boolean>)
  /** Divides the calls of this tool into types, each granted on its own: a command's name, a path's root. Default: one. */
  readonly qualifier?: (input: JsonObject) => string | null
  /** The MCP server behind it, if any. */
  readonly server?: string
  validate(input: JsonObject): Promise<Validation>
  execute(input: unknown, context: ToolContext): Promise<ToolResult>
}

export type Validation =
  | { readonly valid: true; readonly input: unknown }
  /** `message` names each misfit by its path, for the model to mend. */
  | { readonly valid: false; readonly message: string }

export type ToolResult =
  | { readonly type: "json"; readonly value: Json }
  | { readonly type: "content"; readonly content: readonly ContentPart[] }
  | { readonly type: "error"; readonly code: string; readonly message: string }

export interface ToolContext {
  /** Aborted on cancel, on timeout, and when the process stops. */
  readonly signal: AbortSignal
  readonly session: { readonly id: string; readonly userId: string; readonly channel: string | null }
  readonly runId: string
  readonly toolCallId: string
  /** The same on every attempt at this call. */
  readonly idempotencyKey: string
  /** Shows a piece of output to the viewers while the call runs. */
  emit(chunk: string, stream?: "stdout" | "stderr"): void
  readonly logger: Logger
}
