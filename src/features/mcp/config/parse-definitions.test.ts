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
  [
    "a revision of the protocol that nobody knows",
    { a: { command: "x", protocolVersion: "2020-01-01" } },
    "mcpServers.a: protocolVersion",
  ],
  [
    "a revision that is not spoken over the older transport",
    { a: { type: "sse", url: "http://x", protocolVersion: "2026-07-28" } },
    'mcpServers.a: protocolVersion: over sse only "2025-11-25" is possible',
  ],
  [
    "a prefix that no model service takes",
    { a: { command: "x", toolPrefix: "fs." } },
    "mcpServers.a: toolPrefix: expected 1 to 32 letters",
  ],
  [
    "two prefixes",
    { a: { command: "x", prefix: true, toolPrefix: "fs_" } },
    "mcpServers.a: prefix and toolPrefix both name the tools",
  ],
  ["no object", [], "mcpServers: expected an object"],
])("refuses %s and says where", (_problem, servers, message) => {
  expect(() => parse(servers)).toThrow(message)
})
