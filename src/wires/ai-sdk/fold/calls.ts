import type { ToolInputDelta, ToolOutputDelta } from "../../../core/log/deltas.ts"
import type {
  ToolCallCompleted,
  ToolCallInterrupted,
  ToolCallRequested,
  WaitOpened,
  WaitResolved,
} from "../../../core/log/entries.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import { isFailure } from "../../../core/tools/tool-result.ts"
import type { AnyPayload } from "../../../core/wait.ts"
import type { Folded, Frame } from "../../../http/streams/wire.ts"
import { addCall, type ChatState, changeMessage } from "./chat-state.ts"
import { createChunk, createInput, createInputDelta, createNotice, createPart, nothing } from "./chunks.ts"

export function foldInput(state: ChatState, delta: ToolInputDelta): Folded<ChatState> {
  const { toolCallId, toolName, text } = delta
  if (state.message.calls.has(toolCallId)) return [state, [createInputDelta(toolCallId, text)]]
  return [addCall(state, toolCallId, { toolName, isDenied: false }), createInput(toolCallId, toolName, text)]
}

/**
 * Shows a call. Clients execute a call as soon as its input is available, unless the server executes it. The input of a
 * client's call is therefore streamed here, and available when the gateway waits for its result.
 */
export function foldRequested(state: ChatState, event: ToolCallRequested): Folded<ChatState> {
  const { toolCallId, name: toolName, input, executionLocation } = event
  const wasStreamed = state.message.calls.has(toolCallId)
  const next = addCall(state, toolCallId, { toolName, isDenied: false })
  if (executionLocation === "backend")
    return [
      next,
      [
        createChunk({
          ...{ type: "tool-input-available", toolCallId, toolName, input },
          ...{ dynamic: true, providerExecuted: true },
        }),
      ],
    ]
  if (wasStreamed) return [next, nothing]
  return [next, createInput(toolCallId, toolName, JSON.stringify(input))]
}

/** If `asksClient` is false, a client must not execute its call yet, because the call may have its result already. */
export function foldOpened(
  state: ChatState,
  event: WaitOpened,
  { asksClient }: { readonly asksClient: boolean },
): Folded<ChatState> {
  // A person may have edited the input.
  if (event.kind === "clientTool" && !asksClient)
    return [state, createInput(event.toolCallId, event.toolName, JSON.stringify(event.payload.input))]
  const frames = createQuestion(event, event.toolCallId)
  if (frames.length === 0) return [state, nothing]
  return [changeMessage(state, { asked: [...state.message.asked, event.waitId] }), frames]
}

/** An open wait, from the log or from the store. */
type OpenWait = AnyPayload & Pick<WaitOpened, "waitId" | "toolCallId" | "toolName" | "nonce" | "expiresAt">

/** Returns the frames of a wait of a kind that has an answer. The wait is shown as one of the call `toolCallId`. */
export function createQuestion(wait: OpenWait, toolCallId: string): readonly Frame[] {
  const { waitId, toolName, expiresAt } = wait
  switch (wait.kind) {
    case "approval": {
      const { reason, qualifier } = wait.payload
      const approvalDescriptor = {
        ...{ toolName, input: wait.payload.input, qualifier, expiresAt: new Date(expiresAt).toISOString() },
      }
      const more = { approvalDescriptor, ...(reason !== null && { reason }) }
      return [createChunk({ type: "tool-approval-request", approvalId: waitId, toolCallId, ...more })]
    }
    case "clientTool": {
      const { input } = wait.payload
      return [createChunk({ type: "tool-input-available", toolCallId, toolName, input, dynamic: true })]
    }
    case "elicitation": {
      const { question, server } = wait.payload
      const { mode, message } = question
      const more = mode === "form" ? { schema: question.schema } : { url: question.url }
      return [
        createPart("question", waitId, {
          toolCallId,
          toolName,
          server,
          mode,
          message,
          ...more,
          nonce: wait.nonce,
        }),
      ]
    }
    case "child":
    case "timer":
      return nothing
    default:
      return wait satisfies never
  }
}

/** Shows the answer, also to those who have not given it. */
export function foldResolved(state: ChatState, event: WaitResolved): Folded<ChatState> {
  const { waitId, toolCallId, decidedBy } = event
  if (event.kind === "elicitation")
    return [state, [createPart("question", waitId, { toolCallId, action: event.resolution.action })]]
  const call = state.message.calls.get(toolCallId)
  // The call's result says that the request expired.
  if (event.kind !== "approval" || call === undefined || decidedBy === null) return [state, nothing]
  const { approved, reason } = event.resolution
  const answer = { approvalId: waitId, approved, ...(reason !== null && { reason }) }
  const frames = [createChunk({ type: "tool-approval-response", ...answer })]
  if (approved) return [state, frames]
  return [
    addCall(state, toolCallId, { ...call, isDenied: true }),
    [...frames, createChunk({ type: "tool-output-denied", toolCallId })],
  ]
}

export function createCompleted(
  { message }: ChatState,
  { toolCallId, result, durationMs, server }: ToolCallCompleted,
): readonly Frame[] {
  // The protocol has a state of its own for a call that was denied.
  if (message.calls.get(toolCallId)?.isDenied === true) return nothing
  const warning = result.type === "error" ? undefined : result.warning
  const toolMetadata = {
    durationMs,
    ...(server !== null && { server }),
    ...(warning !== undefined && { warning }),
  }
  if (result.type === "error" || isFailure(result))
    return [
      createChunk({ type: "tool-output-error", toolCallId, errorText: formatFailure(result), toolMetadata }),
    ]
  return [createChunk({ type: "tool-output-available", toolCallId, output: toOutput(result), toolMetadata })]
}

export function createInterrupted({ toolCallId, reason, outcome }: ToolCallInterrupted): readonly Frame[] {
  const effect = outcome === "not_started" ? "It had no effect." : "It may have had an effect."
  const errorText = `The call was interrupted (${reason}). ${effect}`
  return [createChunk({ type: "tool-output-error", toolCallId, errorText })]
}

export function createOutput({ toolCallId, toolName, stream, text }: ToolOutputDelta): readonly Frame[] {
  return [createNotice("tool-output", { toolCallId, toolName, stream, text })]
}

/** Returns the output as a user interface shows it. Images are data URLs. */
function toOutput(result: Exclude<ToolResult, { type: "error" }>): unknown {
  if (result.type === "json") return result.value
  const [first, ...more] = result.content
  if (first?.type === "text" && more.length === 0) return first.text
  return result.content.map((part) => {
    if (part.type === "text") return { type: part.type, text: part.text }
    const { source } = part
    const url = source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`
    return { type: part.type, url }
  })
}

function formatFailure(result: ToolResult): string {
  if (result.type === "error") return result.message
  const output = toOutput(result)
  return typeof output === "string" ? output : JSON.stringify(output)
}
