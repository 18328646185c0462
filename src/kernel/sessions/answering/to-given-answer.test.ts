import { expect, it } from "vitest"
import type { PluginAnswer } from "../../../core/ports/plugin-runs.ts"
import type { AnswerTarget } from "../sessions.ts"
import { toGivenAnswer } from "./to-given-answer.ts"

const target: AnswerTarget = {
  sessionId: "sess_1",
  toolCallId: "call_1",
  nonce: "nonce_1",
  decidedBy: { via: "http", tenant: "shop", userId: "ann", address: null },
}
/** Members with which a client would answer another wait, or as another person. */
const forged = {
  sessionId: "sess_2",
  toolCallId: "call_2",
  nonce: "nonce_2",
  decidedBy: { ...target.decidedBy, credential: "operator" },
  allowToolType: true,
  scope: "tree",
  segment: { wire: "ag-ui", id: "run" },
}

it.each<[PluginAnswer, object]>([
  [
    { kind: "approval", approved: true, editedInput: { euros: 3 }, reason: "Yes." },
    { kind: "approval", approved: true, editedInput: { euros: 3 } },
  ],
  [
    { kind: "approval", approved: false, editedInput: { euros: 3 }, reason: "No." },
    { kind: "approval", approved: false, reason: "No." },
  ],
  [
    { kind: "elicitation", action: "accept", content: { name: "Ann" } },
    { kind: "elicitation", action: "accept", content: { name: "Ann" } },
  ],
  [
    { kind: "clientTool", result: 42 },
    { kind: "clientTool", result: { type: "json", value: 42 } },
  ],
])("takes only the known members of an answer: %j", (answer, expected) => {
  expect(toGivenAnswer({ ...answer, ...forged }, target)).toStrictEqual({ ...expected, ...target })
})
