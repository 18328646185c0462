import type { Json, JsonObject } from "../../../core/json/json.ts"
import type { RunnerDecision, RunnerRequest } from "../../../core/runs/runner.ts"
import { listOf, readFields, readText, toJsonValue } from "../fields.ts"
import { formatDenial } from "../runner-options.ts"
import type { AiSdkApprovalPart, AiSdkMessage } from "./model-messages.ts"

/** A request for approval in the SDK's form. */
export interface ApprovalRequest {
  readonly approvalId: string
  readonly toolCallId: string
}

/** Returns the state to store while approvals are open: the messages so far, and the call of each request. */
export function createSavedState(
  messages: readonly AiSdkMessage[],
  responses: readonly object[],
  approvals: readonly ApprovalRequest[],
): Json {
  return toJsonValue({ messages: [...messages, ...responses], approvals })
}

/** Returns the stored messages with edited calls, followed by the decisions. */
export function readDecidedMessages({ state, decisions }: RunnerRequest): AiSdkMessage[] {
  const saved = readFields(state)
  const edits = new Map(decisions.map(({ id, editedInput }) => [id, editedInput]))
  const messages = listOf(saved.messages).map((message) => applyEdits(message, edits))
  const approvals = listOf(saved.approvals).map(readFields)
  const content = decisions.flatMap((decision): AiSdkApprovalPart[] => {
    const approvalId = readText(approvals.find(({ toolCallId }) => toolCallId === decision.id)?.approvalId)
    return approvalId === undefined
      ? []
      : [{ type: "tool-approval-response", approvalId, ...toVerdict(decision) }]
  })
  // They are the SDK's own messages, unchanged.
  return [...(messages as AiSdkMessage[]), { role: "tool", content }]
}

function toVerdict(decision: RunnerDecision): Pick<AiSdkApprovalPart, "approved" | "reason"> {
  return decision.approved ? { approved: true } : { approved: false, reason: formatDenial(decision) }
}

/** Replaces the input of edited calls. The schema's own input is removed. */
function applyEdits(message: unknown, edits: ReadonlyMap<string, JsonObject | null>): object {
  const { content, ...rest } = readFields(message)
  if (!Array.isArray(content)) return readFields(message)
  const parts = content.map((part) => {
    const { inputSchemaInput, ...fields } = readFields(part)
    const edit = edits.get(String(fields.toolCallId))
    if (edit == null) return part
    return fields.type === "tool-call" ? { ...fields, input: edit } : fields
  })
  return { ...rest, content: parts }
}
