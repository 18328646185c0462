import { expect, it } from "vitest"
import { parseDefinitions } from "./parse-definitions.ts"

const parse = (servers: unknown) => parseDefinitions(servers, { name: "mcpServers", unknownKeys: "refused" })

it.each([
  ["an unknown option", { a: { command: "x", timout: 3 } }, "mcpServers.a: unknown option timout"],
  [
    "a command and a url",
    { a: { command: "x", url: "http://x" } },
    "mcpServers.a: expected a command or a url",
  ],
  ["a url that is none", { a: { url: "x" } }, "mcpServers.a: url: expected an http or https URL"],
  ["a url of another kind", { a: { url: "file:///etc/passwd" } }, "mcpServers.a: url: expected an http"],
  [
    "a time that is no number of milliseconds",
    { a: { command: "x", timeoutMs: 0.5 } },
    "mcpServers.a: timeoutMs",
  ],
  ["no object", [], "mcpServers: expected an object"],
])("refuses %s and says where", (_problem, servers, message) => {
  expect(() => parse(servers)).toThrow(message)
})
