import { expect, it } from "vitest"
import type { ToolSource } from "../../core/ports/plugin.ts"
import { findUnknownOverrides } from "./unknown-overrides.ts"

const source = (name: string, tools: readonly string[], state = "ready"): ToolSource => ({
  name,
  transport: "stdio",
  state,
  detail: null,
  tools: tools.map((tool) => ({ name: tool, description: "", isEnabled: true })),
})
const keys = ["files", "read", "files__read", "filse", "files__raed"]

it("finds keys that name neither a server nor a tool", () => {
  expect(findUnknownOverrides(keys, [source("files", ["read"]), source("web", [])])).toEqual([
    "filse",
    "files__raed",
  ])
})

it("finds none before every server has listed its tools", () => {
  expect(findUnknownOverrides(keys, [source("files", ["read"]), source("web", [], "starting")])).toEqual([])
})
