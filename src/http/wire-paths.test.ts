import { expect, test } from "vitest"
import { createWirePaths } from "./wire-paths.ts"
import type { WireRoutes } from "./wire-routes.ts"

const own: WireRoutes = { tags: [], add() {} }
const openAi: WireRoutes = { ...own, path: "/v1", hasRootAlias: true }
const agUi: WireRoutes = { ...own, path: "/ag-ui" }

test("a path belongs to the protocol whose path it is or is below, for the default and for a named agent", () => {
  const { find } = createWirePaths([own, openAi, agUi], "/api")
  expect(find("/api/v1/responses")).toBe(openAi)
  expect(find("/api/ag-ui")).toBe(agUi)
  expect(find("/api/agents/helper/v1/models")).toBe(openAi)
  for (const other of [
    "/v1/responses",
    "/api/v10",
    "/api/chat",
    "/api",
    "/api/agents/v1",
    "/api/agents/a/b/v1",
  ])
    expect(find(other), other).toBeNull()
})

test("only a protocol with an alias is found at the root", () => {
  const { resolveAlias } = createWirePaths([own, openAi, agUi], "/api")
  expect(resolveAlias("/v1/models")).toBe("/api/v1/models")
  for (const other of ["/ag-ui", "/v10", "/", "/api/v1/models"]) expect(resolveAlias(other)).toBe(other)
})

test("without a prefix, the alias is the path itself", () => {
  const { find, resolveAlias } = createWirePaths([openAi], "")
  expect(resolveAlias("/v1/models")).toBe("/v1/models")
  expect(find("/v1/models")).toBe(openAi)
})
