import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { describe, expect, it, onTestFinished } from "vitest"
import { runCli } from "../run-cli.ts"

const server = fileURLToPath(new URL("../../../test/mcp/fixtures/fragile-server.mjs", import.meta.url))

/** The command replaces this reference with the variable's value. */
const nodeReference = ["$", "{NODE}"].join("")

async function mcp(...argv: string[]) {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-mcp-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, "mcp.json")
  const entry = new URL("../../index.ts", import.meta.url).href
  await writeFile(
    join(folder, "agent.ts"),
    `import { createAgent } from ${JSON.stringify(entry)}
export default createAgent("You are a test.", {
  mcpServers: { inline: { command: process.execPath, args: [${JSON.stringify(server)}] } },
  mcpConfigPath: ${JSON.stringify(file)},
})
`,
  )
  const fragile = { command: nodeReference, args: [server], env: {}, unknownToUs: true }
  await writeFile(file, JSON.stringify({ mcpServers: { fragile, absent: { command: "no-such-program" } } }))
  const written = { stdout: "", stderr: "" }
  const sink = (stream: keyof typeof written) => ({
    write(text: string) {
      written[stream] += text
    },
  })
  const code = await runCli({
    argv: ["mcp", ...argv],
    env: { MCP_CONFIG_PATH: file, NODE: process.execPath },
    cwd: folder,
    stdin: Readable.from([]),
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    signal: new AbortController().signal,
    program: "",
  })
  return { code, ...written }
}

describe("agent-gateway mcp", () => {
  it("lists the servers of the configuration and says which do not start", async () => {
    const { code, stdout } = await mcp("list")
    expect(stdout).toMatch(/^fragile +ready +9 tools$/m)
    expect(stdout).toMatch(/^absent +failed +.*not found/m)
    expect(code).toBe(1)
  })

  it("lists the tools of one server", async () => {
    const { code, stdout } = await mcp("tools", "fragile")
    expect(stdout).toMatch(/^ {2}pid +Its process id\.$/m)
    expect(stdout).not.toContain("absent")
    expect(code).toBe(0)
  })

  it("calls a tool and prints its result", async () => {
    const { code, stdout } = await mcp("call", "fragile", "whoami", '{"_session_id":"me"}')
    expect(JSON.parse(stdout)).toEqual({ type: "content", content: [{ type: "text", text: "me" }] })
    expect(code).toBe(0)
  })

  it("uses the servers of an agent: its own and those of its configuration file", async () => {
    const { code, stdout } = await mcp("list", "--agent", "agent.ts")
    expect(stdout).toMatch(/^inline +ready +9 tools$/m)
    expect(stdout).toMatch(/^fragile +ready +9 tools$/m)
    expect(code).toBe(1)
    const call = await mcp("call", "inline", "whoami", '{"_session_id":"me"}', "--agent", "agent.ts")
    expect(JSON.parse(call.stdout)).toMatchObject({ content: [{ text: "me" }] })
  })

  it.each([
    ["an agent that is not there", ["list", "--agent", "nobody.ts"], 2, "nobody.ts does not exist"],
    ["two places for servers", ["list", "--agent", "agent.ts", "--config", "a.json"], 2, "not both"],
    ["an unknown server", ["call", "nobody", "pid"], 1, "no server nobody"],
    ["an unknown tool", ["call", "fragile", "fly"], 1, "no tool fly"],
    ["input that does not fit", ["call", "fragile", "whoami"], 1, "_session_id"],
    ["input that is no JSON", ["call", "fragile", "pid", "{"], 2, "the tool's input must be a JSON object"],
    ["a missing tool", ["call", "fragile"], 2, "TOOL is missing"],
    ["an unknown action", ["dance"], 2, "unknown action dance"],
  ])("reports %s in one line", async (_problem, argv, expected, message) => {
    const { code, stderr } = await mcp(...argv)
    expect(stderr).toContain(message)
    expect(stderr.trim().split("\n")).toHaveLength(1)
    expect(code).toBe(expected)
  })
})
