import type { JsonObject } from "../../../core/json/json.ts"
import type { WaitOpened } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"

/** An open wait: as the log has it, or as the store has it, with the schema of the answer. */
export type OpenWait = (WaitOpened | Wait) & { readonly answerSchema?: JsonObject | null }

/** An interrupt of AG-UI: a question that the next run of the client answers. */
export interface Interrupt {
  readonly id: string
  readonly reason: string
  readonly message: string
  readonly toolCallId: string
  readonly responseSchema: JsonObject
  /** ISO 8601. */
  readonly expiresAt: string
  readonly subagentRunId?: string
  readonly metadata: JsonObject
}

/** Returns the interrupt of a wait for a person. Null for other waits. */
export function createInterrupt(wait: OpenWait, subagentRunId: string | null): Interrupt | null {
  const { waitId: id, toolCallId, toolName, expiresAt } = wait
  const facts = {
    ...{ id, toolCallId, expiresAt: new Date(expiresAt).toISOString() },
    ...(subagentRunId !== null && { subagentRunId }),
  }
  switch (wait.kind) {
    case "approval": {
      const { input, reason, approvalsBy } = wait.payload
      // TanStack AI lets its user answer only an approval that has a kind.
      const approver = approvalsBy === "operator" ? { approvalsBy } : { kind: "approval" }
      return {
        ...facts,
        reason: "tool_call",
        message: reason ?? `Allow the call of ${toolName}?`,
        responseSchema: createApprovalSchema(wait.answerSchema ?? { type: "object" }),
        metadata: { ...approver, toolName, input },
      }
    }
    case "elicitation": {
      const { question, server } = wait.payload
      const { message } = question
      const metadata = { toolName, ...(server !== null && { server }) }
      if (question.mode === "form")
        return { ...facts, reason: "input_required", message, responseSchema: question.schema, metadata }
      const responseSchema = { type: "object", properties: {} }
      return {
        ...facts,
        reason: "gateway:url_visit",
        message,
        responseSchema,
        metadata: { ...metadata, url: question.url },
      }
    }
    case "clientTool":
    case "child":
    case "timer":
      return null
    default:
      return wait satisfies never
  }
}

function createApprovalSchema(editedArgs: JsonObject): JsonObject {
  return {
    type: "object",
    properties: {
      approved: { type: "boolean", description: "If true, the call is executed." },
      editedArgs: { ...editedArgs, description: "Arguments in place of the model's. Default: the model's." },
      reason: { type: "string", description: "The reason that the model receives if the call is denied." },
      remember: {
        enum: ["session", "tree"],
        description: "Allows later calls of this type too, in the session or also in its sub-agents.",
      },
    },
    required: ["approved"],
  }
}
