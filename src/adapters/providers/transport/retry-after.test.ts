import { expect, test } from "vitest"
import { parseRetryAfter } from "./retry-after.ts"

const now = Date.parse("2026-11-21T00:00:00Z")

test.each<[string, Record<string, string>, number | undefined]>([
  ["seconds", { "retry-after": "2" }, 2000],
  ["parts of a second", { "retry-after": "0.5" }, 500],
  ["a date", { "retry-after": "Sat, 21 Nov 2026 00:00:30 GMT" }, 30_000],
  ["a date that has passed", { "retry-after": "Fri, 20 Nov 2026 00:00:00 GMT" }, 0],
  ["milliseconds, which are more exact", { "retry-after-ms": "1250", "retry-after": "2" }, 1250],
  ["nothing", {}, undefined],
  ["nonsense", { "retry-after": "soon" }, undefined],
])("it reads %s", (_, headers, expected) => {
  expect(parseRetryAfter(new Headers(headers), now)).toBe(expected)
})
