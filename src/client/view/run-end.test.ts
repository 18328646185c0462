import { expect, test } from "vitest"
import { applyAll, createText, ended, failed, history } from "../fixtures/view-events.ts"
import { emptyView } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage } from "./view-state.ts"

test("the reason of a failed or stopped run stays in its message after the next ones, also in a loaded history", () => {
  const stopped = { ...ended, terminal_disposition: "interrupted", reason: "cancelled" } as const
  const refused = { ...failed, provider_message: "max_tokens is too large" } as const
  const first = applyAll([createText("a"), refused], addUserMessage(emptyView, "Go"))
  const second = applyAll([stopped], addUserMessage(first, "Again"))
  const last = applyAll([createText("b"), ended], addUserMessage(second, "Once more"))
  const failure = {
    type: "run_end",
    outcome: "failed",
    reason: "model_refused",
    error: "The model refused.",
    provider_message: "max_tokens is too large",
  } as const
  const interruption = { type: "run_end", outcome: "interrupted", reason: "cancelled", error: null } as const
  expect(last.messages.map(({ parts }) => parts)).toEqual([
    [{ type: "text", text: "Go" }],
    [failure],
    [{ type: "text", text: "Again" }],
    [interruption],
    [{ type: "text", text: "Once more" }],
    [{ type: "text", text: "b" }],
  ])
  expect([first, second, last].map((view) => view.ended?.outcome)).toEqual([
    "failed",
    "interrupted",
    "completed",
  ])

  const asks = (text: string) => ({ role: "user", content: [{ type: "text", text }] }) as const
  const messages = [
    asks("Go"),
    { role: "assistant", content: [failure] },
    asks("Again"),
    { role: "assistant", content: [interruption] },
  ] as const
  const loaded = viewOfHistory({ ...history, active_run: null, messages })
  expect(loaded.messages.map(({ parts }) => parts)).toEqual(second.messages.map(({ parts }) => parts))
  expect(loaded.ended).toEqual(second.ended)
})
