import { expect, it } from "vitest"
import { createCheckedTokens } from "./checked-tokens.ts"

const subject = { kind: "session" as const, sessionId: "sess_1", tenant: "acme", userId: "ann" }
const checked = { keyId: "key_1", expiresAt: 60, validAfter: 0, subject }

it("remembers the newest tokens, up to its bound", () => {
  const tokens = createCheckedTokens(2)
  for (const token of ["a", "b", "a", "c"]) tokens.add(token, checked)
  expect(["a", "b", "c", "A"].map((token) => tokens.find(token))).toEqual([
    checked,
    undefined,
    checked,
    undefined,
  ])
})
