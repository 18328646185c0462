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
    ["a key", "with sk-ant-api03-0123456789", "with [redacted]"],
  ])("of %s", (_name, text, shown) => {
    expect(mask(text)).toBe(shown)
    expect(mask(shown)).toBe(shown)
  })

  it("of members with a name, wherever they are", () => {
    expect(mask({ list: [{ IBAN: "DE12", other: "DE12" }], n: 1 })).toEqual({
      list: [{ IBAN: "[redacted]", other: "DE12" }],
      n: 1,
    })
  })

  it("takes a time that is linear in the text", () => {
    const text = "iban".repeat(250_000)
    expect(mask(text)).toBe(text)
    const quotes = 'iban:"'.repeat(150_000)
    expect(mask(quotes)).toContain("[redacted]")
  })
})
