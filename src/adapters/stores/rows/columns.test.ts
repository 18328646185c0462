import { expect, test } from "vitest"
import { escapeText, readInteger, readNullableText, readText, unescapeText } from "./columns.ts"

test.each(["", "user@example.com", "日本", 'quote " and \\', "\\u0000", "nul \u0000", "half \ud800", "\n"])(
  "a caller's text is read back unchanged: %j",
  (value) => {
    const escaped = escapeText(value)
    expect(escaped).not.toContain("\u0000")
    expect(escaped.isWellFormed()).toBe(true)
    expect(unescapeText(escaped)).toBe(value)
  },
)

test("an ordinary text is stored as it is", () => {
  expect(escapeText("Zoë, 日本, user@example.com")).toBe("Zoë, 日本, user@example.com")
})

test("integers are accepted in every form that a driver returns, if they are exact", () => {
  for (const value of [2 ** 53 - 1, 2n ** 53n - 1n, "9007199254740991"]) {
    expect(readInteger({ seq: value }, "seq")).toBe(Number.MAX_SAFE_INTEGER)
  }
  for (const value of [2 ** 53, "9007199254740993", 1.5, "x", null, undefined]) {
    expect(() => readInteger({ seq: value }, "seq")).toThrow("Column seq")
  }
})

test("a column of another type is refused by name", () => {
  expect(() => readText({ id: 1 }, "id")).toThrow("Column id should hold a text, not a number.")
  expect(() => readNullableText({}, "id")).toThrow("Column id")
  expect(readNullableText({ id: null }, "id")).toBeNull()
})
