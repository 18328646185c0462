import type { PluginAnswer } from "../../../core/ports/plugin-runs.ts"
import type { AnswerTarget, GivenAnswer } from "../sessions.ts"

/** Returns the answer of a plugin or of a custom wire to a wait. */
export function toGivenAnswer(answer: PluginAnswer, target: AnswerTarget): GivenAnswer {
  if (answer.kind !== "clientTool") return { ...target, ...answer }
  return { ...target, kind: answer.kind, result: { type: "json", value: answer.result } }
}
