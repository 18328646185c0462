import { expect, it } from "vitest"
import { nameTools } from "./tool-names.ts"

const tool = (server: string, name: string, prefix = false) => ({ server, tool: name, prefix })

it("leaves names as they are where no two are the same", () => {
  expect(nameTools([tool("a", "read"), tool("b", "write")], ["own"])).toEqual({
    names: ["read", "write"],
    collisions: [],
  })
})

it("names all tools that share a name after their servers, in whatever order they come", () => {
  const both = [tool("a", "read"), tool("b", "read"), tool("b", "write")]
  expect(nameTools(both, [])).toEqual({ names: ["a__read", "b__read", "write"], collisions: ["read"] })
  expect(nameTools(both.toReversed(), []).names.toReversed()).toEqual(["a__read", "b__read", "write"])
})

it("leaves the agent's own tools their names", () => {
  expect(nameTools([tool("a", "read")], ["read"])).toEqual({ names: ["a__read"], collisions: ["read"] })
})

it("always puts the server's name before the tools of a server that wants it", () => {
  expect(nameTools([tool("a", "read", true)], [])).toEqual({ names: ["a__read"], collisions: [] })
})

it("makes names that every model service takes, and keeps them apart", () => {
  const long = "x".repeat(70)
  const tools = [
    tool("a", "files.read"),
    tool("a", `${long}1`),
    tool("a", `${long}2`),
    tool("ü b", "y", true),
  ]
  const { names } = nameTools([...tools, tool("ä b", "y", true)], [])
  expect(names[0]).toBe("files_read")
  for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  expect(new Set(names).size).toBe(names.length)
})
