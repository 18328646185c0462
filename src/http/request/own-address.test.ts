import { describe, expect, it } from "vitest"
import { publicUrlSchema } from "./own-address.ts"

describe("publicUrl", () => {
  it.each([
    ["https://agents.example.com", "https://agents.example.com"],
    ["https://agents.example.com/", "https://agents.example.com"],
    ["HTTPS://Agents.Example.com:443/", "https://agents.example.com"],
    ["http://localhost:8000", "http://localhost:8000"],
    ["http://[::1]:8000/", "http://[::1]:8000"],
    ["https://example.com/agents/", "https://example.com/agents"],
  ])("%s is %s", (text, url) => {
    expect(publicUrlSchema.parse(text)).toBe(url)
  })

  it.each([
    ["agents.example.com", "expected a URL"],
    ["/api", "expected a URL"],
    ["", "expected a URL"],
    ["ws://agents.example.com", "expected a URL"],
    ["javascript:alert(1)", "expected a URL"],
    ["https://ada@agents.example.com", "must have no user and no password"],
    ["https://:secret@agents.example.com", "must have no user and no password"],
    ["https://agents.example.com?", "must have no query and no fragment"],
    ["https://agents.example.com/?a=1", "must have no query and no fragment"],
    ["https://agents.example.com/#a", "must have no query and no fragment"],
  ])("refuses %j: %s", (text, message) => {
    expect(publicUrlSchema.safeParse(text).error?.message).toContain(message)
  })
})
