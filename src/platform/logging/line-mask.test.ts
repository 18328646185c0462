import { describe, expect, it } from "vitest"
import { createLineMask } from "./line-mask.ts"

const key = "sk-ant-api03-0123456789abcdefghijklmnop"

function shown(chunks: readonly string[]): string {
  const filter = createLineMask(["iban"])
  return chunks.map((chunk) => filter.push(chunk)).join("") + filter.end()
}

describe("a line mask", () => {
  it("finds a secret with any division into chunks", () => {
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

  it("shows a line as soon as it ends, even with a carriage return", () => {
    const filter = createLineMask([])
    expect(filter.push("10 %")).toBe("")
    expect(filter.push("\r20 %")).toBe("10 %\r")
    expect(filter.push("\n")).toBe("20 %\n")
    expect(filter.end()).toBe("")
  })

  it("holds back at most 16 384 characters of a line, and divides it between words", () => {
    const filter = createLineMask([])
    expect(filter.push("word ".repeat(3_000))).toBe("")
    const first = filter.push(`${"word ".repeat(1_000)}${key}`)
    expect(first).toMatch(/^(word )+$/)
    expect(first.length).toBeGreaterThan(14_000)
    expect(filter.end()).toMatch(/^(word )+\[redacted\]$/)
    expect(filter.push("x".repeat(100_000)).length).toBe(100_000 - 4_096)
  })

  it.each([
    ["a private key", pem("abcdEFGH/+12".repeat(200)), "[redacted]"],
    ["a value on the next line", '"iban":\n  "DE12 34"', '"iban":\n  "[redacted]"'],
    ["a block of YAML", "iban: |\n  DE12", "iban: |\n  [redacted]"],
    ["a password on the next line", '"password":\n  "hunter2"', '"password":\n  "[redacted]"'],
  ])("finds %s over several lines", (_name, secret, masked) => {
    const text = `before\n${secret}\nafter\n`
    const whole = shown([text])
    expect(whole).toBe(`before\n${masked}\nafter\n`)
    for (let cut = 0; cut <= text.length; cut += 7) {
      expect(shown([text.slice(0, cut), text.slice(cut)])).toBe(whole)
    }
    expect(shown([...text])).toBe(whole)
    expect(shown(text.split(/(?<=\n)/))).toBe(whole)
  })

  it("leaves out a private key that is longer than its buffer, and shows the text after it", () => {
    const lines = `before\n${pem("abcdEFGH/+12".repeat(2_000))}\nafter\n`.split(/(?<=\n)/)
    expect(shown(lines)).toBe("before\n[redacted]\nafter\n")
    const endless = shown(["-----BEGIN PRIVATE KEY-----\n", ...Array<string>(20_000).fill("some line\n")])
    expect(endless).toMatch(/^\[redacted\][a-z ]*\n(some line\n)+$/)
    expect(endless.length).toBeGreaterThan(130_000)
  })
})

function pem(content: string): string {
  const body = content.match(/.{1,64}/g)?.join("\n")
  return `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----`
}
