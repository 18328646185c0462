import { expect, test } from "vitest"
import { redact } from "./redact.ts"

test("given secrets and what looks like a key go, the rest stays", () => {
  expect(
    redact("key my-secret and sk-ant-api03-abc_DEF and Bearer abcdef.ghi, status 401", ["my-secret"]),
  ).toBe("key [redacted] and [redacted] and Bearer [redacted], status 401")
})

test("a value too short to be a secret does not tear holes into words", () => {
  expect(redact("a true story", ["true", ""])).toBe("a true story")
})

test("a password in an address goes", () => {
  expect(redact("no such address: https://me:hunter2@host/v1", [])).toBe(
    "no such address: https://[redacted]@host/v1",
  )
})

test("a long detail is cut", () => {
  expect(redact("x".repeat(5000), []).length).toBeLessThan(1100)
})
