import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { readConfigFile } from "./read-config-file.ts"

async function read(content: unknown, environment: Readonly<Record<string, string>> = {}, cwd?: string) {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-config-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, "claude.json")
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content))
  return readConfigFile({ path, cwd: cwd ?? folder, environment })
}

describe("a configuration file", () => {
  it("returns its servers, and ignores other members", async () => {
    const servers = await read({
      numStartups: 3,
      mcpServers: {
        files: { type: "stdio", command: "files", args: ["."], env: { A: "b" }, autoApprove: [] },
        remote: { type: "http", url: "https://example.com/mcp", headers: { "X-Key": "k" } },
      },
    })
    expect(servers).toEqual({
      files: { type: "stdio", command: "files", args: ["."], env: { A: "b" } },
      remote: { type: "http", url: "https://example.com/mcp", headers: { "X-Key": "k" } },
    })
  })

  it("returns the servers of the working directory's project, which take precedence, and those of no other project", async () => {
    const servers = await read(
      {
        mcpServers: { shared: { command: "shared" }, both: { command: "outer" } },
        projects: {
          "/home/me/here": { mcpServers: { both: { command: "inner" }, mine: { command: "mine" } } },
          "/home/me/there": { mcpServers: { theirs: { command: "theirs" } } },
        },
      },
      {},
      "/home/me/here",
    )
    expect(servers).toEqual({
      shared: { command: "shared" },
      both: { command: "inner" },
      mine: { command: "mine" },
    })
  })

  it("accepts the prefix of tools in the spelling of the Python package", async () => {
    const servers = await read({
      mcpServers: {
        a: { command: "a", tool_prefix: "a_" },
        b: { command: "b", tool_prefix: " " },
        c: { command: "c", tool_prefix: "no_", toolPrefix: "c_" },
      },
    })
    expect(servers).toEqual({
      a: { command: "a", toolPrefix: "a_" },
      b: { command: "b" },
      c: { command: "c", toolPrefix: "c_" },
    })
  })

  it("leaves out servers that are disabled", async () => {
    const servers = await read(
      {
        mcpServers: { a: { command: "a", disabled: true }, b: { command: "b" }, c: { command: "c" } },
        projects: { "/here": { disabledMcpServers: ["c"] } },
      },
      {},
      "/here",
    )
    expect(Object.keys(servers)).toEqual(["b"])
  })

  it("is expanded from the environment, with defaults for what is not set or empty", async () => {
    const text = JSON.stringify({
      mcpServers: {
        a: { command: "run", args: ["#{SET}/x", "#{UNSET:-fallback}", "#{EMPTY:-also}", "#{NONE:-}"] },
      },
    })
    const servers = await read(text.replaceAll("#{", "$" + "{"), { SET: "value", EMPTY: "" })
    expect(servers.a).toMatchObject({ args: ["value/x", "fallback", "also", ""] })
  })

  it.each([
    ["is no JSON, without quoting it", '{"mcpServers": sk-secret}', /it is not JSON\.$/],
    ["is no object", "[]", /is not a JSON object/],
    [
      "refers to a variable that is not set",
      `{"mcpServers":{"a":{"command":"$` + `{UNSET}"}}}`,
      /\.a\.command: .* UNSET is not set/,
    ],
    ["has a server of neither kind", { mcpServers: { a: {} } }, /\.a: expected a command or a url/],
    ["has a value of the wrong kind", { mcpServers: { a: { command: "a", args: "b" } } }, /\.a: args: /],
  ])("is refused if it %s", async (_problem, content, message) => {
    await expect(read(content)).rejects.toThrow(message)
  })
})
