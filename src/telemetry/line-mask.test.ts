import { describe, expect, it } from "vitest"
import { createLineMask } from "./line-mask.ts"
import { createMask } from "./mask.ts"

const key = "sk-ant-api03-0123456789abcdefghijklmnop"

function shown(chunks: readonly string[]): string {
  const filter = createLineMask(createMask(["iban"]))
  return chunks.map((chunk) => filter.push(chunk)).join("") + filter.end()
}

describe("a line mask", () => {
  it("finds a secret wherever two chunks divide the text", () => {
    const text = `using ${key}\nAuthorization: Bearer abcdefgh12345678\niban: DE12\nlast ${key}`
    const whole = shown([text])
    expect(whole).toBe(
      "using [redacted]\nAuthorization: Bearer [redacted]\niban: [redacted]\nlast [redacted]",
    )
    for (let cut = 0; cut <= text.length; cut++) {
      expect(shown([text.slice(0, cut), text.slice(cut)])).toBe(whole)
    }
    expect(shown([...text])).toBe(whole)
  })

  it("shows a line as soon as it ends, also one that a carriage return ends", () => {
    const filter = createLineMask(createMask([]))
    expect(filter.push("10 %")).toBe("")
    expect(filter.push("\r20 %")).toBe("10 %\r")
    expect(filter.push("\n")).toBe("20 %\n")
    expect(filter.end()).toBe("")
  })

  it("holds back no more than 16 384 characters of a line, and cuts it between words", () => {
    const filter = createLineMask(createMask([]))
    expect(filter.push("word ".repeat(3_000))).toBe("")
    const first = filter.push(`${"word ".repeat(1_000)}${key}`)
    expect(first).toMatch(/^(word )+$/)
    expect(first.length).toBeGreaterThan(14_000)
    expect(filter.end()).toMatch(/^(word )+\[redacted\]$/)
    expect(filter.push("x".repeat(100_000)).length).toBe(100_000 - 4_096)
  })
})
