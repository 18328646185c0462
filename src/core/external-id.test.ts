import { expect, test } from "vitest"
import { findExternalIdProblem } from "./external-id.ts"

test.each(["chat 1", "sess", "Sess_1", "会話", "\u{1f600}".repeat(100), "../x'\"\\%", " "])(
  "%j is an external id",
  (id) => {
    expect(findExternalIdProblem(id)).toBeNull()
  },
)

test.each([
  "",
  "sess_",
  "sess_4fzyo82mvyr7jtnc1q9x",
  "x".repeat(201),
  "a\nb",
  "\u0000",
  "\u007f",
  "\u0085",
  "\ud800",
])("%j is no external id", (id) => {
  expect(findExternalIdProblem(id)).toEqual(expect.any(String))
})
