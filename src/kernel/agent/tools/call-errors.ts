import { GatewayError, toError } from "../../../core/errors.ts"
import type { Verdict } from "../../../core/ports/tools/gate.ts"
import type { Tool, ToolResult } from "../../../core/ports/tools/tool.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"

/** Errors that the model receives for calls that were not executed. */

export function createUnknownToolError(
  { runtime }: ModelRunContext,
  { requested: { name } }: CallState,
): ToolResult {
  const tools = runtime.listTools()
  const there =
    tools.length === 0
      ? "There are no tools."
      : `The tools are: ${tools.map((tool) => tool.name).join(", ")}.`
  return {
    type: "error",
    code: "unknown_tool",
    message: `There is no tool ${JSON.stringify(name)}. ${there}`,
  }
}

/** Returns the error of a call whose name no longer identifies the tool that the model requested. */
export function createChangedToolError({ requested: { name } }: CallState): ToolResult {
  const message =
    `The tool ${JSON.stringify(name)} changed after you called it, so the call did not run. Read ` +
    "its current description, and call it again if you still need it."
  return { type: "error", code: "tool_changed", message }
}

export function createInvalidInputResult(message: string): ToolResult {
  return { type: "error", code: "invalid_input", message }
}

/** Returns the error of a call that an interceptor denied, or whose policy failed. */
export function createRefusal({ code, reason }: Verdict): ToolResult {
  return { type: "error", code: code ?? "denied", message: reason ?? "This call is not allowed." }
}

/** Returns the error of a call that a person denied, or whose approval request expired. */
export function createDenial({ approval }: CallState): ToolResult {
  if (approval?.decidedBy == null) {
    return {
      type: "error",
      code: "approval_expired",
      message:
        "The approval request expired, so this call did not run. Ask the user before you request it again.",
    }
  }
  const { reason: given } = approval.resolution
  const reason = given === null ? "." : `: ${given}`
  return { type: "error", code: "denied", message: `This call was denied${reason}` }
}

/**
 * Returns the error of a call whose validator threw. An error of the gateway, such as `overloaded`, is not a mistake of
 * the model, so it keeps its own code.
 */
export function createValidationFailure(thrown: unknown): ToolResult {
  const { message } = toError(thrown)
  if (thrown instanceof GatewayError) {
    return { type: "error", code: thrown.code, message: `The call did not run. ${message}` }
  }
  return createInvalidInputResult(`The input could not be validated: ${message}`)
}

/** Returns the error of a call whose input was not a JSON object. Null if it was one. */
export function findMalformedInput(
  { conversation }: ModelRunContext,
  { requested: { toolCallId } }: CallState,
): ToolResult | null {
  const phase = conversation.run?.phase
  if (phase?.type !== "settling") return null
  const part = phase.completed.message?.content.find(
    (candidate) => candidate.type === "toolCall" && candidate.toolCallId === toolCallId,
  )
  if (part?.type !== "toolCall" || part.malformedInput === undefined) return null
  return createInvalidInputResult("The input is not a complete JSON object. Send the complete input again.")
}

/**
 * Returns the error of a call without a model that would start a background task. The model would learn of the task,
 * and of its end.
 */
export function createBackgroundError({ name }: Tool): ToolResult {
  const message =
    `The tool ${name} would start a background task of the conversation, which only a model can do. The task was not ` +
    "started. Call the tool so that it waits for its result."
  return { type: "error", code: "background_task", message }
}

/** Returns the error of a call without a model whose tool only a client can execute. */
export function createClientToolError({ name }: Tool): ToolResult {
  const message = `The client of a conversation executes the tool ${name}, so only a model can call it.`
  return { type: "error", code: "client_tool", message }
}
