import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import OpenAI from "openai"
import { expect, onTestFinished, test } from "vitest"
import { parse } from "yaml"
import { startCli } from "../../cli-process.ts"
import { codeBlocks } from "../../documentation/markdown.ts"
import { root } from "../../documentation/type-check.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"

const read = (path: string) => readFileSync(join(root, path), "utf8")
const otherAddress = fileURLToPath(new URL("support/other-address.ts", import.meta.url))

/** Runs `agent-gateway dev` with an agent, without a key of a model provider. */
async function serve(agent: string): Promise<string> {
  const cli = startCli(["dev", agent, "--port", "0"], { cwd: await temporaryFolder() })
  onTestFinished(async () => {
    cli.signal("SIGTERM")
    await cli.exited
  })
  const [, url = ""] = await cli.printed(/^Listening on (http:\S+),/m)
  return url
}

/** Creates a folder with the agent of a page, in which the packages are installed. */
async function install(agent: string): Promise<string> {
  const folder = await temporaryFolder()
  const modules = join(folder, "node_modules")
  await mkdir(modules)
  await symlink(root, join(modules, "ai-agent-gateway"))
  for (const scope of ["@openai", "@ai-sdk"]) await mkdir(join(modules, scope))
  for (const name of ["openai", "@openai/agents", "@ai-sdk/openai", "ai", "zod"])
    await symlink(join(root, "node_modules", name), join(modules, name))
  await writeFile(join(folder, "agent.ts"), agent)
  return folder
}

interface Program {
  readonly url: string
  readonly input?: string
  readonly cut?: boolean
}

/** Runs a program that names the default address. Resolves to its output. */
async function run(path: string, { url, input = "", cut = false }: Program) {
  const child = spawn(process.execPath, ["--import", otherAddress, path], {
    env: { PATH: process.env.PATH, GATEWAY: url, ...(cut && { CUT: "1" }) },
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  child.stdin.end(input)
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr, code: await exited }
}

/** The beginnings and the ends of what the programs of docs/openai.md print, in the order of the page. */
const printed = [
  ["You said: “Which books do you have?”", ""],
  ["chat-1 You said: “Hello”", ""],
  ["You said: “Which books do you have?”", "“And in Italian?”"],
  ["You said: “Hello”", ""],
  ["", "Rome"],
  ["", "Emma"],
  ["", "Emma"],
  ["You said: “Which books do you have?”", ""],
] as const

test("every program of docs/openai.md runs as printed", async () => {
  const [agent = "", ...programs] = codeBlocks(read("docs/openai.md"), "ts")
  expect(codeBlocks(read("docs/openai.md"), "sh")).toEqual(["npx agent-gateway dev agent.ts\n"])
  expect(programs.length).toBe(printed.length)
  const folder = await install(agent)
  const url = await serve(join(folder, "agent.ts"))
  for (const [index, program] of programs.entries()) {
    const path = join(folder, `program-${index}.ts`)
    await writeFile(path, program)
    const { stdout, stderr, code } = await run(path, { url })
    expect([index, stderr, code]).toEqual([index, "", 0])
    const [start = "", part = ""] = printed[index] ?? []
    expect(stdout.slice(0, start.length)).toBe(start)
    expect(stdout).toContain(part)
  }
  // The fourth program continues after a lost connection, and prints the same text.
  const path = join(folder, "program-3.ts")
  const [whole, cut] = [await run(path, { url }), await run(path, { url, cut: true })]
  expect(cut).toEqual({ ...whole, stderr: "The connection was lost.\n" })
})

test("the chat of the example asks for an approval, and continues after a lost connection", async () => {
  const url = await serve(join(root, "examples/23-openai/agent.ts"))
  const input = 'Hello\n/tool order {"title":"Emma"}\ny\n\n'
  const { stdout, stderr, code } = await run(join(root, "examples/23-openai/chat.ts"), {
    ...{ url, input, cut: true },
  })
  expect([stderr, code]).toEqual(["The connection was lost.\n", 0])
  const greeting = await new OpenAI({ baseURL: `${url}/v1`, apiKey: "dev" }).responses.create({
    input: "Hello",
  })
  expect(stdout).toContain(greeting.output_text)
  expect(stdout).toContain('Allow order {"title":"Emma"}? (y/n)')
  expect(stdout).toContain('"ordered":"Emma"')
})

/** Returns the settings of `docker run` that begin with `-e`. */
function readEnvironment(command: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...command.matchAll(/-e (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]))
}

test("the settings of docs/chat-applications.md connect to its agent", async () => {
  const page = read("docs/chat-applications.md")
  const [agent = ""] = codeBlocks(page, "ts")
  const folder = await install(agent)
  const url = await serve(join(folder, "agent.ts"))
  const [start = "", docker = ""] = codeBlocks(page, "sh")
  expect(start).toBe("npx agent-gateway start agent.ts --host 0.0.0.0 --port 8000\n")
  const webUi = readEnvironment(docker)
  const [libreChat, liteLlm] = codeBlocks(page, "yaml").map((block) => parse(block))
  const [, keyName, key] = /`(GATEWAY_KEY)=(\S+)`/.exec(page) ?? []
  const [endpoint] = libreChat.endpoints.custom
  const { litellm_params: proxied } = liteLlm.model_list[0]
  expect([endpoint.apiKey, proxied.api_key]).toEqual([`\${${keyName}}`, `os.environ/${keyName}`])
  const userHeader = webUi.FORWARD_USER_INFO_HEADER_USER_ID ?? ""
  const applications = [
    { base: webUi.OPENAI_API_BASE_URL, apiKey: webUi.OPENAI_API_KEY, headers: { [userHeader]: "ada" } },
    { base: endpoint.baseURL, apiKey: key, headers: endpoint.headers, model: endpoint.models.default[0] },
    {
      base: proxied.api_base,
      apiKey: key,
      headers: proxied.extra_headers,
      model: proxied.model.split("/")[1],
    },
  ]
  for (const { base, apiKey, headers, model } of applications) {
    const baseURL = String(base).replace(/^http:\/\/[^/]+:8000/, url)
    const client = new OpenAI({ baseURL, apiKey, defaultHeaders: headers })
    const [listed] = (await client.models.list()).data
    expect(model ?? listed?.id).toBe(listed?.id)
    const stream = client.chat.completions.stream({
      ...{ model: listed?.id ?? "", messages: [{ role: "user", content: "Hello" }] },
      stream_options: { include_usage: true },
    })
    expect(await stream.finalContent()).toContain("You said: “Hello”")
  }
})
