import { expect, test } from "vitest"
import { joinReasoningDetails } from "./reasoning-details.ts"

test("pieces of one block are joined, blocks keep their order", () => {
  const text = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 }
  expect(
    joinReasoningDetails([
      { ...text, text: "Let me", signature: null },
      { ...text, text: " see." },
      { ...text, signature: "EqoB" },
      { type: "reasoning.encrypted", id: "rs_1", data: "gA", index: 1 },
      { type: "reasoning.encrypted", id: "rs_1", data: "AA", index: 1 },
      { type: "reasoning.summary", summary: "So.", index: 1 },
      { type: "reasoning.encrypted", id: "rs_2", data: "gB", index: 2 },
    ]),
  ).toEqual([
    { ...text, text: "Let me see.", signature: "EqoB" },
    { type: "reasoning.encrypted", id: "rs_1", data: "gAAA", index: 1 },
    { type: "reasoning.summary", summary: "So.", index: 1 },
    { type: "reasoning.encrypted", id: "rs_2", data: "gB", index: 2 },
  ])
})
