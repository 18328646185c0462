import { describe, expect, test } from "vitest"
import { isWithin, type LimitedCall } from "./tool-limits.ts"

const call = (toolName: string, qualifier: string | null = null): LimitedCall => ({
  toolName,
  qualifier,
  origin: null,
})
const ofServer = (toolName: string, server: string, tool: string): LimitedCall => ({
  toolName,
  qualifier: null,
  origin: { server, tool, identity: "i", digest: "d" },
})
const allows = (pattern: string, limited: LimitedCall) =>
  isWithin({ allowed: [pattern], excluded: [] }, limited)

describe("a pattern allows", () => {
  test.each([
    ["search", call("search"), true],
    ["search", call("Search"), false],
    ["search", call("search_all"), false],
    ["web_*", call("web_search"), true],
    ["*_search", call("web_search"), true],
    ["w*b*h", call("web_search"), true],
    ["w*b*h*x", call("web_search"), false],
    ["a*a", call("a"), false],
    ["*", call("anything"), true],
    ["Bash(git:*)", call("Bash", "git"), true],
    ["Bash(git:*)", call("Bash", "git status"), true],
    ["Bash(git:*)", call("Bash", "gitk"), false],
    ["Bash(git:*)", call("Bash"), false],
    ["Bash(git:*)", call("Other", "git"), false],
    ["Bash(git status)", call("Bash", "git status"), true],
    ["Bash(git status)", call("Bash", "git push"), false],
    ["Bash()", call("Bash", "git"), false],
    ["Bash(git", call("Bash", "git"), true],
    ["Bash", call("Bash", "anything"), true],
    ["", call("x"), false],
  ] as const)("%s: %o is %s", (pattern, limited, expected) => {
    expect(allows(pattern, limited)).toBe(expected)
  })

  test("a server's tool by both of its names, and not by the name of another server's tool", () => {
    expect(allows("search", ofServer("search", "web", "search"))).toBe(true)
    expect(allows("web__search", ofServer("search", "web", "search"))).toBe(true)
    expect(allows("search", ofServer("files__search", "files", "search"))).toBe(false)
  })
})

test("without a list every tool is allowed, with an empty one none is", () => {
  expect(isWithin({ allowed: null, excluded: [] }, call("x"))).toBe(true)
  expect(isWithin({ allowed: [], excluded: [] }, call("x"))).toBe(false)
})

test("an excluded tool is refused under each of its names, even if it is allowed", () => {
  const limits = { allowed: ["*"], excluded: ["search"] }
  expect(isWithin(limits, call("search"))).toBe(false)
  expect(isWithin(limits, ofServer("files__search", "files", "search"))).toBe(false)
  expect(isWithin(limits, call("other"))).toBe(true)
})

test("a pattern with many stars is matched quickly", () => {
  expect(allows("a*".repeat(5_000), call("a".repeat(9_999)))).toBe(true)
  expect(allows(`${"a*".repeat(5_000)}b`, call("a".repeat(20_000)))).toBe(false)
})
