import type { Decider } from "../../../core/log/entries.ts"
import type { AcceptedAnswer } from "../../../core/ports/store/session-log.ts"
import type { ToolResult } from "../../../core/ports/tools/tool.ts"
import type { QuestionAnswer } from "../../../core/question.ts"
import { type AnyAnswer, type ApprovalDecision, toFormerWaitId } from "../../../core/wait.ts"

/** An answer in the inbox as version 2 stored it. Each kind was a separate command. */
export type FormerAnswer = {
  readonly waitId?: string
  readonly sessionId: string
  readonly runId: string
  readonly toolCallId: string
  readonly nonce: string
  readonly decidedBy: Decider
  readonly at: number
} & (
  | ({ readonly type: "approval" } & ApprovalDecision)
  | { readonly type: "toolResult"; readonly result: ToolResult }
  | ({ readonly type: "elicitation" } & QuestionAnswer)
)

export function isFormerAnswer(command: { readonly type: string }): command is FormerAnswer {
  return ["approval", "toolResult", "elicitation"].includes(command.type)
}

export function convertFormerAnswer(former: FormerAnswer): AcceptedAnswer {
  const { sessionId, runId, toolCallId, nonce, decidedBy, at } = former
  const given = toAnswer(former)
  const { waitId = toFormerWaitId(given.kind, toolCallId) } = former
  return { type: "answer", sessionId, runId, toolCallId, waitId, nonce, decidedBy, at, ...given }
}

/** Converts an answer. Null for a kind that version 2 does not know. */
export function toFormerAnswer(answer: AcceptedAnswer): FormerAnswer | null {
  const { sessionId, runId, toolCallId, waitId, nonce, decidedBy, at } = answer
  const facts = { sessionId, runId, toolCallId, waitId, nonce, decidedBy, at }
  switch (answer.kind) {
    case "approval":
      return { type: "approval", ...facts, ...answer.answer }
    case "clientTool":
      return { type: "toolResult", ...facts, ...answer.answer }
    case "elicitation":
      return { type: "elicitation", ...facts, ...answer.answer }
    case "child":
      return null
    default:
      return answer satisfies never
  }
}

function toAnswer(former: FormerAnswer): AnyAnswer {
  switch (former.type) {
    case "approval": {
      const { approved, editedInput, reason, grant } = former
      return { kind: "approval", answer: { approved, editedInput, reason, grant } }
    }
    case "toolResult":
      return { kind: "clientTool", answer: { result: former.result } }
    case "elicitation": {
      const { action, content } = former
      return { kind: "elicitation", answer: { action, content } }
    }
    default:
      return former satisfies never
  }
}
