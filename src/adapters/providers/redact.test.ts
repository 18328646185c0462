import { expect, test } from "vitest"
import { redact } from "./redact.ts"

test("known secrets and texts that look like a key are masked, and the rest stays", () => {
  expect(
    redact("key my-secret and sk-ant-api03-abc_DEF and Bearer abcdef.ghi, status 401", ["my-secret"]),
  ).toBe("key [redacted] and [redacted] and Bearer [redacted], status 401")
})

test("a value that is too short for a secret is not masked inside words", () => {
  expect(redact("a true story", ["true", ""])).toBe("a true story")
})

test("a password in an address is masked", () => {
  expect(redact("no such address: https://me:hunter2@host/v1", [])).toBe(
    "no such address: https://[redacted]@host/v1",
  )
})

test("a long detail is truncated", () => {
  expect(redact("x".repeat(5000), []).length).toBeLessThan(1100)
})
