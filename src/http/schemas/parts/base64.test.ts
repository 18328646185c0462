import { describe, expect, it } from "vitest"
import { isBase64 } from "./base64.ts"

describe("base64", () => {
  it.each(["", "YQ==", "YWI=", "YWJj", "+/+/", "iVBORw0K"])("includes %j", (text) => {
    expect(isBase64(text)).toBe(true)
  })

  it.each([
    ...["YQ", "YQ=", "Y===", "====", "=YQ=", "YQ==YQ==", "YWJj=", "YWJj====", "a=bc"],
    ...[
      "YW Jj",
      "YQ==\n\n\n\n",
      " YQ=",
      "-_-_",
      "YWJ-",
      "YWJ!",
      "YWJ\0",
      "YWJ\u00e9",
      "YW\u0141j",
      "\u{1f600}YQ",
    ],
  ])("does not include %j", (text) => {
    expect(isBase64(text)).toBe(false)
  })

  it("is recognized in any length", () => {
    for (let size = 0; size < 300; size++) {
      const text = Buffer.alloc(size, "\u00ff?>~").toString("base64")
      expect(isBase64(text)).toBe(true)
      const cut = text.slice(0, -1)
      expect([text, isBase64(cut)]).toEqual([text, cut === ""])
    }
  })

  it("agrees with the decoder of the platform on every character in every place", () => {
    for (let code = 0; code < 0x180; code++) {
      const character = String.fromCharCode(code)
      for (const text of [`${character}WJj`, `Y${character}Jj`, `YW${character}j`, `YWJ${character}`]) {
        expect([text, isBase64(text)]).toEqual([text, decodes(text)])
      }
    }
  })
})

function decodes(text: string): boolean {
  try {
    return !/\s/.test(text) && text.length % 4 === 0 && atob(text).length > 0
  } catch {
    return false
  }
}
