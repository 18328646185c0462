import type { ChatEvent } from "../core/wire/chat-event.ts"
import type { ChatRequest, ToolResultRequest } from "../core/wire/messages.ts"
import { ChatError } from "./chat-error.ts"
import { isTerminal } from "./follow.ts"

export interface ClientToolContext {
  readonly toolCallId: string
  /** Aborted when the call's result is not needed any more: its run has ended, or the client stopped reading. */
  readonly signal: AbortSignal
}

/**
 * Executes a tool in the client. The result is any JSON value. A thrown error is reported to the model. After a
 * reload the same call is executed again, unless its result had arrived.
 */
export type ClientTool = (input: Readonly<Record<string, unknown>>, context: ClientToolContext) => unknown

/** A tool that the agent does not have. It is declared with each message, if the agent allows that. */
export interface DeclaredTool {
  /** Tells the model what the tool does and when to use it. */
  readonly description: string
  /** JSON Schema of the input, an object. */
  readonly inputSchema: { readonly type: "object" } & Readonly<Record<string, unknown>>
  readonly execute: ClientTool
}

export type ClientTools = Readonly<Record<string, ClientTool | DeclaredTool>>

export interface ToolCallsOptions {
  readonly tools: ClientTools
  readonly submit: (result: ToolResultRequest, signal: AbortSignal) => Promise<void>
  /** Called when a result could not be sent. */
  readonly onFailure: (error: unknown) => void
}

export interface ToolCalls {
  /** Starts the call that an event requests, and stops calls that have ended. */
  observe(event: ChatEvent): void
  /** Stops all calls. */
  close(): void
}

const maxMessageCharacters = 16_384

/** Executes the client tools of one stream. */
export function createToolCalls({ tools, submit, onFailure }: ToolCallsOptions): ToolCalls {
  const running = new Map<string, AbortController>()

  function start({ tool_call_id, tool_name, tool_input, nonce }: ToolCallStart): void {
    const tool = Object.hasOwn(tools, tool_name) ? tools[tool_name] : undefined
    // Without a nonce the gateway only announces the call, which may still be denied.
    if (tool === undefined || nonce === undefined || running.has(tool_call_id)) return
    const controller = new AbortController()
    const { signal } = controller
    running.set(tool_call_id, controller)
    void execute(typeof tool === "function" ? tool : tool.execute, tool_input, {
      toolCallId: tool_call_id,
      signal,
    })
      .then((outcome) => (signal.aborted ? undefined : submit({ tool_call_id, nonce, ...outcome }, signal)))
      .catch((error: unknown) => {
        if (!signal.aborted) onFailure(error)
      })
  }

  function stop(toolCallId: string): void {
    running.get(toolCallId)?.abort()
    running.delete(toolCallId)
  }

  function close(): void {
    for (const toolCallId of [...running.keys()]) stop(toolCallId)
  }

  return {
    observe(event) {
      if (event.type === "tool_call_start") start(event)
      if (event.type === "tool_call_complete" || event.type === "tool_call_interrupted")
        stop(event.tool_call_id)
      if (isTerminal(event)) close()
    },
    close,
  }
}

/** Returns the tools to declare with a message. Undefined for none. */
export function listDeclarations(tools: ClientTools): ChatRequest["tools"] {
  const declared = Object.entries(tools).flatMap(([name, tool]) =>
    typeof tool === "function"
      ? []
      : [{ name, description: tool.description, input_schema: tool.inputSchema }],
  )
  return declared.length > 0 ? declared : undefined
}

type ToolCallStart = Extract<ChatEvent, { type: "tool_call_start" }>
type Outcome = Pick<ToolResultRequest, "result" | "error">

async function execute(
  tool: ClientTool,
  input: Readonly<Record<string, unknown>>,
  context: ClientToolContext,
): Promise<Outcome> {
  try {
    const result = (await tool(input, context)) ?? null
    // A result that is not JSON fails here, and not when it is sent.
    JSON.stringify(result)
    return { result }
  } catch (error) {
    return { error: toToolError(error) }
  }
}

function toToolError(error: unknown): NonNullable<ToolResultRequest["error"]> {
  const { code, subCode } = Object(error) as { readonly code?: unknown; readonly subCode?: unknown }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: isCode(code) ? code : "tool_failed",
    ...(isCode(subCode) && { sub_code: subCode }),
    message: message.slice(0, maxMessageCharacters),
  }
}

function isCode(value: unknown): value is string {
  return typeof value === "string" && /^[\w.-]{1,128}$/.test(value)
}

/**
 * Returns an error result if the gateway refused the result itself, for example as too large. The model receives it,
 * so that its run continues.
 */
export function toRefusedResult(error: unknown): { readonly code: string; readonly message: string } | null {
  if (!(error instanceof ChatError) || error.problem === null) return null
  const isRefused = error.status === 413 || error.status === 422
  return isRefused ? { code: error.code.slice(0, 128), message: error.message } : null
}
