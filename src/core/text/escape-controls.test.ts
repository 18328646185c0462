import { describe, expect, it } from "vitest"
import { escapeControls } from "./escape-controls.ts"

describe("escapeControls", () => {
  it.each([
    ["an escape sequence", "a\u001b[2Kb", "a\\u001b[2Kb"],
    ["a carriage return, which overwrites the line", "rm -rf /\rls", "rm -rf /\\u000dls"],
    ["a backspace", "a\bb", "a\\u0008b"],
    ["DEL", "\u007f", "\\u007f"],
    ["the one-character form of an escape sequence (C1)", "\u009b2K", "\\u009b2K"],
    ["a right-to-left override", "\u202etxt.exe", "\\u202etxt.exe"],
    ["a directional isolate", "\u2066x\u2069", "\\u2066x\\u2069"],
    ["an Arabic letter mark", "\u061c", "\\u061c"],
    ["zero-width characters", "\u200b\u200e\u2060\ufeff", "\\u200b\\u200e\\u2060\\ufeff"],
    ["line and paragraph separators", "\u2028\u2029", "\\u2028\\u2029"],
    ["an invisible tag character", "\u{e0041}", "\\udb40\\udc41"],
    ["a joiner between ASCII letters", "pay\u200dpal", "pay\\u200dpal"],
    ["bits that are written in joiners", "م\u200c\u200d\u200c", "م\u200c\\u200d\\u200c"],
    ["bytes that are written in variation selectors", "👍\ufe0f\ufe01\ufe02", "👍\ufe0f\\ufe01\\ufe02"],
    ["variation selectors of ideographs elsewhere", "a\u{e0100}", "a\\udb40\\udd00"],
    ["fillers without a width", "\u3164\u034f\u115f", "\\u3164\\u034f\\u115f"],
  ])("shows %s", (_name, text, shown) => {
    expect(escapeControls(text)).toBe(shown)
  })

  it("leaves ordinary text unchanged, in any script", () => {
    const text = "naïve\tعربى\nمی‌خواهم 👩‍💻 👁️‍🗨️ 1️⃣ 日本語 葛\u{e0100} ᠠ᠋ – “ok” \\u001b"
    expect(escapeControls(text)).toBe(text)
  })

  it("keeps the value of JSON", () => {
    const value = { "\u001b]0;x\u0007": ["\u009b", "\u202e", "\u{e0041}", "\u2028", "a\nb"] }
    const line = escapeControls(JSON.stringify(value))
    expect(JSON.parse(line)).toEqual(value)
    expect(line).not.toMatch(/[\u0080-\u009f\u202e\u2028]/)
  })
})
