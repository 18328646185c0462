import { describe, expect, it } from "vitest"
import { createMask } from "./mask.ts"

const mask = createMask(["account_number", "iban"])

describe("a mask", () => {
  it.each([
    ["JSON in a text", '{"accountNumber":"DE12 34","n":1}', '{"accountNumber":"[redacted]","n":1}'],
    ["JSON in JSON in a text", '"{\\"iban\\":\\"DE12\\"}"', '"{\\"iban\\":\\"[redacted]\\"}"'],
    ["an assignment", "account_number=DE12&x=1", "account_number=[redacted]&x=1"],
    ["prose", "no account number: DE12 found", "no account number: DE12 found"],
    ["a header", "Account-Number: DE12", "Account-Number: [redacted]"],
    ["code", "{ iban: 'DE12 34' }", "{ iban: '[redacted]' }"],
    ["another name that ends alike", "caliban: DE12", "caliban: DE12"],
    ["a value on the next line", '{"iban":\n  "DE12"}', '{"iban":\n  "[redacted]"}'],
    ["a paragraph after the next line", "iban:\n\nA bank's number", "iban:\n\nA bank's number"],
    ["a key", "with sk-ant-api03-0123456789", "with [redacted]"],
  ])("masks %s", (_name, text, shown) => {
    expect(mask(text)).toBe(shown)
    expect(mask(shown)).toBe(shown)
  })

  it("masks members with a name at any depth", () => {
    expect(mask({ list: [{ IBAN: "DE12", other: "DE12" }], n: 1 })).toEqual({
      list: [{ IBAN: "[redacted]", other: "DE12" }],
      n: 1,
    })
  })

  it("masks names of members that are keys, and keeps the members distinct", () => {
    expect(mask({ "sk-ant-api03-0123456789": 1, "sk-ant-api03-9876543210": { iban: 2 }, other: 3 })).toEqual({
      "[redacted]": 1,
      "[redacted] 2": { iban: "[redacted]" },
      other: 3,
    })
  })

  it("takes time in proportion to the text", () => {
    const text = "iban".repeat(250_000)
    expect(mask(text)).toBe(text)
    const quotes = 'iban:"'.repeat(150_000)
    expect(mask(quotes)).toContain("[redacted]")
    const spaces = `iban:${" ".repeat(200_000)}`.repeat(5)
    expect(mask(spaces)).toBe(spaces)
    expect(
      Object.keys(
        mask(Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`sk-ant-${n}00000000`, n]))),
      ),
    ).toHaveLength(20_000)
  })
})
