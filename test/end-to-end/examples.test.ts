import { execFile, spawn } from "node:child_process"
import { readdirSync } from "node:fs"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, onTestFinished, test } from "vitest"
import { findFreePort } from "../../src/testing/fixtures/free-port.ts"
import { runCliProcess, startCli } from "../cli-process.ts"
import { assemble } from "./support/assemble.ts"
import { eventStream } from "./support/event-stream.ts"
import { startModel } from "./support/model.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const run = promisify(execFile)
const examples = new URL("../../examples/", import.meta.url)
const names = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

const agentOf = (name: string) => fileURLToPath(new URL(`${name}/agent.ts`, examples))

/** Runs `agent-gateway dev`, as the examples say. Without `env`, there is no API key. */
async function serve(name: string, env: Readonly<Record<string, string>> = {}) {
  const cwd = await temporaryFolder()
  const cli = startCli(["dev", agentOf(name), "--port", "0"], { cwd, env })
  // The command stops its worker.
  onTestFinished(async () => {
    cli.signal("SIGTERM")
    await cli.exited
  })
  const [, url = ""] = await cli.printed(/^Listening on (http:\S+),/m)
  return { cli, url }
}

describe.each(names)("the example %s", (name) => {
  test("starts without a key and responds", async () => {
    const { url } = await serve(name)
    const session = await startSession(url, "dev")
    const { text, terminal } = assemble(await (await session.chat("Hello!")).rest())
    expect(text).toMatch(/^(You said: “Hello!”\n\nI am the offline demo, not a model|I only play a model)/)
    expect(terminal).toMatchObject({ type: "stream_complete", terminal_disposition: "completed" })
  })
})

test("the commands that `dev` prints are a conversation", async () => {
  const { cli } = await serve("01-minimal")
  const [commands] = await cli.printed(/^ {2}TOKEN=.*\n {2}curl .*\n/m)
  const { stdout } = await run("sh", ["-c", commands])
  const frames = await eventStream(new Response(stdout)).rest()
  expect(assemble(frames)).toMatchObject({
    text: expect.stringContaining("You said: “Hello!”"),
    terminal: { type: "stream_complete" },
  })
})

test("the tools of 03-local-tools are called, and show their output while they run", async () => {
  const { url } = await serve("03-local-tools")
  const session = await startSession(url)
  const stock = await (await session.chat("/tool check_stock")).rest()
  const output = stock.flatMap(({ event }) => (event.type === "tool_output_chunk" ? [event.text] : []))
  expect(output).toEqual(["Kettle, 1.7 l: 4\n", "Teapot, stoneware: 0\n", "Mug, 350 ml: 120\n"])
  expect(assemble(stock).text).toContain('check_stock answered: {"pieces":124}')
  const order = '/tool place_order {"productId":"teapot","quantity":1}'
  expect(assemble(await (await session.chat(order)).rest()).text).toContain(
    "place_order failed: Only 0 of Teapot, stoneware are in stock.",
  )
})

test("05-skills loads a skill, and then refuses the tools that the skill does not allow", async () => {
  const { url } = await serve("05-skills")
  const session = await startSession(url)
  const loaded = assemble(await (await session.chat('/tool load_skill {"name":"release-notes"}')).rest())
  expect(loaded.text).toContain("You cannot publish them yourself.")
  const publish = '/tool publish_release {"notes":"Everything is new."}'
  const refused = assemble(await (await session.chat(publish)).rest())
  expect(refused.text).toContain('The skill "release-notes" is loaded and does not allow the tool')
  const listed = assemble(await (await session.chat("/tool list_commits")).rest())
  expect(listed.text).toContain("Export conversations as CSV")
})

test("11-research-report has three sub-agents write one report", async () => {
  const cwd = await temporaryFolder()
  const script = fileURLToPath(new URL("11-research-report/report.ts", examples))
  const { ANTHROPIC_API_KEY: _, ...env } = process.env
  const { stdout } = await run(process.execPath, [script], { cwd, env })
  expect(stdout.match(/"outcome":"completed"/g)).toHaveLength(3)
  expect(stdout.match(/^## \w+$/gm)?.toSorted()).toEqual(["## brewing", "## growing", "## history"])
})

test("04-code-execution computes with its offered file", async () => {
  const code = 'print(sum(int(line.split(",")[2]) for line in open("sales.csv").readlines()[1:]))'
  const task = `/tool code_execute ${JSON.stringify({ code })}`
  const { stdout } = await runCliProcess(["run", "--demo", agentOf("04-code-execution"), task], {
    cwd: await temporaryFolder(),
  })
  expect(stdout).toContain('"stdout":"655\\n"')
})

test("03-local-tools does one task without a server, as its README says", async () => {
  const task = '/tool find_products {"word":"tea"}'
  const { code, stdout } = await runCliProcess(["run", "--demo", agentOf("03-local-tools"), task], {
    cwd: await temporaryFolder(),
  })
  expect(code).toBe(0)
  expect(stdout).toContain('"name":"Teapot, stoneware"')
})

test("02-mcp-tools reads at once, and waits for a person before it writes", async () => {
  const { url } = await serve("02-mcp-tools")
  const session = await startSession(url)
  const listed = await (await session.chat("/tool list_allowed_directories {}")).rest()
  expect(assemble(listed).text).toContain("02-mcp-tools/notes")
  const stream = await session.chat('/tool write_file {"path":"x.md","content":"x"}')
  const frames = await stream.until(({ event }) => event.type === "tool_approval_request")
  expect(frames.at(-1)?.event).toMatchObject({ tool_name: "write_file" })
  await session.cancel()
})

test("the client of 06-tool-approval continues after the server is killed during its question", async () => {
  const cwd = await temporaryFolder()
  const start = async (port: string) => {
    const cli = startCli(["dev", agentOf("06-tool-approval"), "--port", port], { cwd })
    const [, url = ""] = await cli.printed(/^Listening on (http:\S+),/m)
    return { cli, url }
  }
  // The system must not assign this port by itself, because the second process needs it free.
  const port = String(await findFreePort())
  const first = await start(port)
  const client = spawn(process.execPath, [
    fileURLToPath(new URL("06-tool-approval/client.ts", examples)),
    first.url,
  ])
  onTestFinished(() => void client.kill())
  const said: string[] = []
  client.stdout.setEncoding("utf8").on("data", (part: string) => said.push(part))
  const problems = text(client.stderr)
  client.stdin.write('/tool transfer {"from":"alice","to":"bob","amount":100}\n')
  await expect.poll(() => said.join("")).toContain("Allow transfer to bob?")
  first.cli.signal("SIGKILL")
  // The worker ends a moment later and keeps its output open until then.
  await first.cli.exited
  await start(port)
  client.stdin.write("y\n")
  await expect.poll(() => said.join("")).toContain('transfer answered: {"from":800,"to":150}')
  client.stdin.end()
  expect(await problems).toBe("")
})

test("08-multi-provider continues with its next model when a provider is overloaded", async () => {
  const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
  const headers = { "content-type": "application/json" }
  const service = await startModel(() => ({ status: 529, headers, steps: [JSON.stringify(overloaded)] }))
  const env = { ANTHROPIC_API_KEY: "sk-1", ANTHROPIC_BASE_URL: service.url }
  const { url } = await serve("08-multi-provider", env)
  const session = await startSession(url)
  const frames = await (await session.chat("Hello!")).rest()
  // The call was retried once, and then the demo took over.
  expect(service.requests).toHaveLength(2)
  expect(frames.filter(({ event }) => event.type === "stream_retry")).toHaveLength(2)
  expect(assemble(frames).text).toMatch(/^You said: “Hello!”/)
})
