import type { PluginAnswer } from "../../../core/ports/plugin-runs.ts"
import type { AnswerTarget, GivenAnswer } from "../sessions.ts"

/**
 * Returns the answer of a plugin or of a custom wire to a wait. An answer is often the body of a client's request, so
 * only its known members count. The target is checked.
 */
export function toGivenAnswer(answer: PluginAnswer, target: AnswerTarget): GivenAnswer {
  switch (answer.kind) {
    case "approval": {
      const { kind, approved, editedInput, reason } = answer
      if (!approved) return { kind, approved: false, ...(reason !== undefined && { reason }), ...target }
      return { kind, approved: true, ...(editedInput !== undefined && { editedInput }), ...target }
    }
    case "elicitation": {
      const { kind, action, content } = answer
      return { kind, action, ...(content !== undefined && { content }), ...target }
    }
    case "clientTool":
      return { kind: answer.kind, result: { type: "json", value: answer.result }, ...target }
    default:
      return answer satisfies never
  }
}
