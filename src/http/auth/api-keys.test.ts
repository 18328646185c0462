import { describe, expect, it } from "vitest"
import { createApiKeyCheck } from "./api-keys.ts"

describe("createApiKeyCheck", () => {
  it("finds a key at any position of the list", () => {
    const isValid = createApiKeyCheck(["first", "second", "third"])
    expect(["first", "second", "third"].map(isValid)).toEqual([true, true, true])
  })

  it("refuses keys that differ slightly", () => {
    const isValid = createApiKeyCheck(["secret"])
    expect(["secre", "secret ", "Secret", "", "secretsecret"].map(isValid)).toEqual(Array(5).fill(false))
  })

  it("accepts any key without a list, and none with an empty list", () => {
    expect(createApiKeyCheck(undefined)("any")).toBe(true)
    expect(createApiKeyCheck([])("any")).toBe(false)
  })

  it("refuses to start with an empty key", () => {
    expect(() => createApiKeyCheck(["good", ""])).toThrow(/validApiKeys/)
  })
})
