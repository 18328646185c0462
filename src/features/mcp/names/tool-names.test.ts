import { describe, expect, it } from "vitest"
import { ConfigurationError } from "../../../core/errors.ts"
import { createNamespaces } from "./namespaces.ts"
import { assignToolNames, type NamedTool } from "./tool-names.ts"

const tool = (server: string, name: string, prefix = false, toolPrefix = "") => ({
  server,
  tool: name,
  prefix,
  toolPrefix,
})

function named(tools: readonly NamedTool[], taken: readonly string[] = [], servers: readonly string[] = []) {
  const all = new Set([...tools.map(({ server }) => server), ...servers])
  return assignToolNames(tools, { taken, namespaces: createNamespaces([...all]) })
}

/** Returns a name for each tool, or the reason for which the tool is left out. */
const namesOf = (...given: Parameters<typeof named>) =>
  named(...given).names.map((name) => (name.type === "named" ? name.name : name.type))

describe("the name of a tool", () => {
  it("is its own name if no other tool has the same", () => {
    const tools = [tool("a", "read"), tool("b", "write")]
    expect(namesOf(tools, ["own"])).toEqual(["read", "write"])
    expect(named(tools, ["own"]).collisions).toEqual([])
  })

  it("starts with its server if another tool has the same name, in any order", () => {
    const both = [tool("a", "read"), tool("b", "read"), tool("b", "write")]
    expect(namesOf(both)).toEqual(["a__read", "b__read", "write"])
    expect(namesOf(both.toReversed()).toReversed()).toEqual(["a__read", "b__read", "write"])
    expect(named(both).collisions).toEqual(["read"])
    expect(named(both).names).toMatchObject([{ plain: "read" }, { plain: "read" }, { plain: null }])
  })

  it("leaves the agent's own tools their names", () => {
    expect(namesOf([tool("a", "read")], ["read"])).toEqual(["a__read"])
    const [both] = namesOf([tool("a", "read")], ["read", "a__read"])
    expect(both).toMatch(/^a__read_[0-9a-f]{8}$/)
  })

  it("always starts with the server that requires it, and then no other tool changes its name", () => {
    expect(namesOf([tool("a", "read", true), tool("b", "read")])).toEqual(["a__read", "read"])
    expect(named([tool("a", "read", true)]).names).toMatchObject([{ plain: null }])
  })

  it("starts with the configured prefix of its server", () => {
    const tools = [tool("a", "read", false, "fs_"), tool("b", "read"), tool("c", "read", false, "fs_")]
    expect(namesOf(tools.slice(0, 2))).toEqual(["fs_read", "read"])
    expect(namesOf(tools)).toEqual(["a__read", "read", "c__read"])
    expect(namesOf([tool("a", "ed__deploy", false, "trust")], [], ["trusted"])).toEqual(["foreign"])
  })

  it("is accepted by every provider", () => {
    const long = "x".repeat(70)
    const server = "ü ".repeat(30)
    const tools = [
      tool("a", "files.read"),
      tool("a", `${long}1`),
      tool("a", `${long}2`),
      tool(server, long, true),
    ]
    const names = namesOf(tools)
    expect(names[0]).toBe("files_read")
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(new Set(names).size).toBe(names.length)
  })

  it("keeps the whole server part when it is truncated", () => {
    const servers = ["a".repeat(64), `${"a".repeat(63)}b`]
    const names = namesOf(servers.map((server) => tool(server, "x".repeat(100), true)))
    const parts = names.map((name) => name.split("__")[0])
    expect(parts.map((part) => part?.length)).toEqual([32, 32])
    expect(new Set(parts).size).toBe(2)
  })

  it("distinguishes tools of one server that differ only in replaced characters, in any order", () => {
    const tools = [tool("a", "read.file"), tool("a", "read/file"), tool("a", "read_file")]
    const names = namesOf(tools)
    for (const name of names) expect(name).toMatch(/^a__read_file_[0-9a-f]{8}$/)
    expect(new Set(names).size).toBe(3)
    expect(namesOf(tools.toReversed()).toReversed()).toEqual(names)
  })
})

describe("a tool in the namespace of another server", () => {
  it.each([
    ["plainly", "trusted__deploy"],
    ["in other letters", "Trusted__Deploy"],
    ["with what is cleaned to it", "trusted::deploy"],
    ["with look-alikes", "trusted\u2017\u2017deploy"],
    ["past the longest name", `trusted__${"x".repeat(100)}`],
  ])("is left out: %s", (_how, name) => {
    const [spoof, own] = [tool("b", name), tool("trusted", "deploy", true)]
    expect(namesOf([spoof, own])).toEqual(["foreign", "trusted__deploy"])
    expect(namesOf([own, spoof])).toEqual(["trusted__deploy", "foreign"])
    expect(namesOf([tool("b", name, true)], [], ["trusted"])).toEqual(["foreign"])
    expect(named([spoof, own]).names[0]).toEqual({ type: "foreign", of: "trusted" })
  })

  it("is left out even while that server, which is configured, is not running", () => {
    expect(namesOf([tool("b", "trusted__deploy")], [], ["trusted"])).toEqual(["foreign"])
  })

  it("does not change another tool's name", () => {
    const tools = [tool("b", "trusted__deploy"), tool("c", "deploy"), tool("trusted", "status")]
    expect(namesOf(tools)).toEqual(["foreign", "deploy", "status"])
  })

  it("may be inside its own server's namespace, or inside that of no server", () => {
    expect(namesOf([tool("a", "a__b"), tool("a", "memory__read")])).toEqual(["a__b", "memory__read"])
  })
})

it("leaves out tools that even a suffix cannot distinguish", () => {
  const [first] = namesOf([tool("a", "read.file"), tool("a", "read/file")])
  const tools = [tool("a", "read.file"), tool("a", "read/file"), tool("a", first ?? "")]
  expect(namesOf(tools)[0]).toBe("ambiguous")
  expect(namesOf(tools)[1]).toMatch(/^a__read_file_/)
  expect(namesOf(tools)[2]).toBe("ambiguous")
})

it.each([
  ["a", "a__b"],
  ["a", "a_"],
  ["files", "Files"],
  ["my.server", "my server"],
  ["ü", "ä"],
])("refuses servers whose tools could have the same name: %s and %s", (one, two) => {
  expect(() => createNamespaces([one, two])).toThrow(ConfigurationError)
  expect(() => createNamespaces([two, one])).toThrow(JSON.stringify(two))
})

it.each([
  ["a", "ab"],
  ["a", "a_b"],
  ["files", "files2"],
])("accepts servers whose tools have different names: %s and %s", (one, two) => {
  expect(createNamespaces([one, two]).size).toBe(2)
})
