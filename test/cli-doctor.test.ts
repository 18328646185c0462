import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, test } from "vitest"
import { createAgent } from "../src/gateway/create-agent.ts"
import { scriptedProvider } from "../src/testing/provider/scripted-provider.ts"
import { startScriptedUpstream, type UpstreamReply } from "../src/testing/provider/scripted-upstream.ts"
import { runCliProcess } from "./cli-process.ts"
import { temporaryFolder } from "./end-to-end/support/temporary-folder.ts"
import { wires } from "./end-to-end/support/wires.ts"

interface Settings {
  readonly arguments: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

async function examine(options: string, before = "", settings: Settings = { arguments: [], env: {} }) {
  const cwd = await temporaryFolder()
  // Code runs as another user, who must be able to reach the folder.
  await chmod(cwd, 0o755)
  const entry = new URL("../dist/index.js", import.meta.url).href
  const source = `import { anthropicProvider, createAgent, createLogger, openAiProvider } from ${JSON.stringify(entry)}
${before}export default createAgent("You are a test.", { store: "memory", provider: "demo", ${options} })
`
  await writeFile(join(cwd, "agent.mjs"), source)
  return runCliProcess(["doctor", "agent.mjs", ...settings.arguments], { cwd, env: settings.env })
}

test("doctor reports every part that works", async () => {
  const { code, stdout, stderr } = await examine('codeExecution: { backends: ["subprocess"] }')
  expect(stderr).not.toContain("agent-gateway:")
  expect(stdout).toMatch(/^ok {4}node: \d+\.\d+\.\d+$/m)
  expect(stdout).toMatch(/^ok {4}keys: none in the environment$/m)
  expect(stdout).toMatch(/^ok {4}start$/m)
  expect(stdout).toMatch(/^ok {4}store$/m)
  expect(stdout).toMatch(/^ok {4}images: decoded by sharp$/m)
  expect(stdout).toMatch(/^ok {4}clients: any API key is accepted, .*\(set validApiKeys or authenticate\)$/m)
  expect(stdout).toMatch(
    /^ok {4}operators: no operator key, .*\(set operatorKeys or AGENT_GATEWAY_OPERATOR_KEY\)$/m,
  )
  expect(stdout).toMatch(/^ok {4}code_execution: .*subprocess/m)
  expect(stdout).toMatch(/^ok {4}wire AI SDK UI: \/api\/ai-sdk\/chat$/m)
  expect(stdout).toMatch(/^ok {4}wire AG-UI: \/api\/ag-ui$/m)
  expect(stdout).toMatch(/^ok {4}wire OpenAI: \/v1$/m)
  expect(code).toBe(0)
})

test("doctor names missing and weak keys, and fails for an operator key that opens nothing", async () => {
  const env = { AGENT_GATEWAY_OPERATOR_KEY: "0123456789abcde" }
  const weak = await examine('validApiKeys: ["short", "0123456789abcdef"]', "", { arguments: [], env })
  expect(weak.stdout).toMatch(/^ok {4}clients: 2 API keys, 1 of them with fewer than 16 characters/m)
  expect(weak.stdout).toMatch(/^FAILS operators: AGENT_GATEWAY_OPERATOR_KEY has fewer than 16 characters/m)
  expect(weak.code).toBe(1)
  const named = await examine(`
    authenticate: async () => null,
    operatorKeys: [{ key: "a-key-for-support", name: "support", scopes: ["read"] }]`)
  expect(named.stdout).toMatch(/^ok {4}clients: identified by authenticate$/m)
  expect(named.stdout).toMatch(/^ok {4}operators: support$/m)
  expect(named.stdout).not.toContain("a-key-for-support")
})

test("doctor reports the part that does not work, prints nothing else, and exits with 1", async () => {
  const { code, stdout, stderr } = await examine(
    'mcpServers: { gone: { command: "no-such-program-here" } }, logger: createLogger()',
  )
  expect(stderr).toBe("")
  expect(stdout).toMatch(/^((ok {3}|FAILS) [^\n]+\n)+$/)
  expect(stdout).toMatch(/^ok {4}store$/m)
  expect(stdout).toMatch(/^FAILS mcp:gone: failed: .*no-such-program-here/m)
  expect(code).toBe(1)
})

test("doctor finds a table that is missing in the store", async () => {
  const store = join(await temporaryFolder(), "data")
  const settings = { arguments: ["--no-model-calls"], env: {} }
  expect((await examine(`store: ${JSON.stringify(store)}`, "", settings)).code).toBe(0)
  const database = new DatabaseSync(join(store, "gateway.db"))
  database.exec("DROP TABLE memory")
  database.close()
  const { code, stdout } = await examine(`store: ${JSON.stringify(store)}`, "", settings)
  expect(stdout).toContain("FAILS store: The store lacks tables: memory. Restore a complete backup.")
  expect(code).toBe(1)
})

test("doctor warns of a webhook to this machine before the first delivery, and names the option", async () => {
  const before = `import { delivery } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)}\n`
  const plugins = (webhook: string) => `plugins: [delivery({ webhook: ${webhook} })]`
  const refused = await examine(plugins('{ url: "http://localhost:3000/hook" }'), before)
  expect(refused.stdout).toMatch(
    /^FAILS delivery:webhook: localhost .*delivery\(\{ webhook: \{ …, allowPrivateAddresses: true/m,
  )
  expect(refused.code).toBe(1)
  const meant = await examine(
    plugins('{ url: "http://localhost:3000/hook", allowPrivateAddresses: true }'),
    before,
  )
  expect(meant.stdout).toMatch(/^ok {4}delivery:webhook$/m)
})

test("doctor prints the log on request", async () => {
  const settings = { arguments: ["--log", "json"], env: {} }
  const { stderr } = await examine('mcpServers: { gone: { command: "no-such-program-here" } }', "", settings)
  expect(stderr).toMatch(/^\{"level":40,.+"server":"gone",/m)
})

test("doctor reports that start would refuse the agent, and checks the other parts nevertheless", async () => {
  const { code, stdout } = await examine("provider: undefined")
  const [refusal = ""] = /^FAILS start: No model is configured: set ANTHROPIC_API_KEY.*$/m.exec(stdout) ?? []
  expect(await readFile(new URL("../docs/troubleshooting.md", import.meta.url), "utf8")).toContain(
    `\n${refusal}\n`,
  )
  expect(stdout).toMatch(/^ok {4}store$/m)
  expect(code).toBe(1)
})

test("doctor names the problem of the configuration, once and without a stack", async () => {
  const { code, stdout, stderr } = await examine('provider: "anthropic"')
  expect(stdout).toMatch(/^FAILS start: The provider anthropic needs a key: set ANTHROPIC_API_KEY/m)
  expect(stderr).toBe("")
  expect(code).toBe(1)
})

test.each(["openai", "@anthropic-ai/sdk"])(
  "doctor reports that %s, which a model needs, is not installed",
  async (sdk) => {
    const { code, stdout } = await examine(
      'provider: openAiProvider({ apiKey: "k" }), fallback: [anthropicProvider({ apiKey: "k" })]',
      `import { registerHooks } from "node:module"
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === ${JSON.stringify(sdk)}) throw new Error("Cannot find package")
    return next(specifier, context)
  },
})
`,
    )
    expect(stdout).toMatch(new RegExp(`FAILS start: .*install ${sdk} `))
    expect(code).toBe(1)
  },
)

test("doctor starts no work: an open run in the store stays unchanged", async () => {
  const store = await temporaryFolder()
  const forever = new Promise(() => {})
  const provider = scriptedProvider([[{ type: "wait", until: forever }]])
  const gateway = createAgent("You are a test.", { store, provider })
  const run = gateway.run("Hi")
  await expect.poll(() => provider.requests.length).toBe(1)
  await Promise.allSettled([gateway.close({ graceMs: 0 }), run])
  const sessions = () => {
    const database = new DatabaseSync(join(store, "gateway.db"), { readOnly: true })
    const rows = database.prepare("SELECT * FROM session").all()
    database.close()
    return rows
  }
  const before = sessions()
  expect(before).toMatchObject([{ active_run: expect.any(String), owner: null }])
  const { code, stdout } = await examine(`store: ${JSON.stringify(store)}`)
  expect(stdout).toMatch(/^ok {4}store$/m)
  expect(code).toBe(0)
  expect(sessions()).toEqual(before)
})

test("doctor requires a file", async () => {
  expect(await runCliProcess(["doctor"])).toMatchObject({ code: 2, stdout: "" })
})

test("doctor names the tools that the provider would refuse", async () => {
  const tool = `{ name: "", description: "x", inputSchema: { type: "object" }, validate() {}, execute() {} }`
  const { code, stdout } = await examine(`tools: [${tool}]`)
  expect(stdout).toMatch(/^FAILS tools: "" is left out for demo: Its name is not/m)
  expect(code).toBe(1)
})

test("doctor reports that a model responds, and the usage of the call", async () => {
  const { code, stdout } = await examine("")
  expect(stdout).toMatch(/^ok {4}model demo \S+: responded in \d+ ms, \d+→\d+ tokens, \$0\.000000$/m)
  expect(code).toBe(0)
})

test("doctor calls no model with --no-model-calls", async () => {
  const { stdout } = await examine("", "", { arguments: ["--no-model-calls"], env: {} })
  expect(stdout).not.toContain("model demo")
})

function optionsFor({ provider }: (typeof wires)[number]): string {
  return `provider: ${JSON.stringify(provider)}, model: "some-model"`
}

async function examineUpstream(wire: (typeof wires)[number], reply: UpstreamReply) {
  const upstream = await startScriptedUpstream(() => reply)
  try {
    const examined = await examine(optionsFor(wire), "", { arguments: [], env: wire.env(upstream.url) })
    return { ...examined, requests: upstream.requests }
  } finally {
    await upstream.close()
  }
}

test.each(wires)("doctor finds a wrong key of $provider and prints the remedy", async (wire) => {
  const { code, stdout, requests } = await examineUpstream(wire, wire.refuse(401, "key"))
  expect(stdout).toMatch(
    /^FAILS model .* refused the server's credentials.*secret-of-the-service.*Check the key/m,
  )
  expect(requests).toHaveLength(1)
  expect(code).toBe(1)
})

test.each(wires)("doctor finds an unknown model of $provider and prints the remedy", async (wire) => {
  const { code, stdout } = await examineUpstream(wire, wire.refuse(404, "model"))
  expect(stdout).toMatch(/^FAILS model .*has no such model.*Check the option model/m)
  expect(code).toBe(1)
})

test.each(wires)("doctor finds a dead base URL of $provider and prints the remedy", async (wire) => {
  const upstream = await startScriptedUpstream([])
  await upstream.close()
  const settings = { arguments: [], env: wire.env(upstream.url) }
  const { code, stdout } = await examine(optionsFor(wire), "", settings)
  expect(stdout).toMatch(/^FAILS model .*cannot be reached.*Check the base URL/m)
  expect(code).toBe(1)
})
