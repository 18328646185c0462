import { expect, it } from "vitest"
import { readTools } from "./read-tools.ts"
import type { GivenTool } from "./schemas.ts"

const agent = { name: "bookshop", toolSources: () => [{ name: "files" }] }
const server = (server_label: string): GivenTool => ({ type: "mcp", server_label })

it("takes functions, and servers under which the gateway reports calls", () => {
  const locate: GivenTool = { type: "function", name: "locate", description: "Finds." }
  const functions = readTools([server("bookshop"), locate, server("files")], agent)
  expect(functions).toEqual([{ name: "locate", description: "Finds.", inputSchema: { type: "object" } }])
})

it("refuses another server, and names its place", () => {
  expect(() => readTools([server("files"), server("mail")], agent)).toThrow(
    "tools.1.server_label: No tools of",
  )
  expect(() => readTools([server("files")], { name: "bookshop" })).toThrow("tools.0.server_label")
})
