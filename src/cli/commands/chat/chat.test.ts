import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { type AgentOptions, createAgent } from "../../../gateway/create-agent.ts"
import { memoryStore } from "../../../gateway/service/open-store.ts"
import { tool } from "../../../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { silentLogger } from "../../fixtures/cli-on-store.ts"
import { runCli } from "../../run-cli.ts"

/** Starts `chat`. The test types its input lines. */
function startChat(argv: readonly string[], cwd = tmpdir()) {
  let [stdout, stderr] = ["", ""]
  const stdin = new PassThrough()
  const stop = new AbortController()
  const ended = runCli({
    argv: ["chat", ...argv],
    env: {},
    cwd,
    stdin,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal: stop.signal,
    program: "",
  })
  onTestFinished(() => void stdin.end())
  return {
    ended,
    interrupt: () => stop.abort("SIGINT"),
    stdout: () => stdout,
    stderr: () => stderr,
    type: (line: string) => void stdin.write(`${line}\n`),
    end: () => void stdin.end(),
    shows: (text: string) => vi.waitFor(() => expect(`${stdout}\n${stderr}`).toContain(text)),
  }
}

const deleted = vi.fn(() => "Deleted.")
const tools = [
  tool({
    name: "delete_note",
    description: "Deletes a note.",
    inputSchema: { type: "object", properties: { title: { type: "string" } } },
    needsApproval: true,
    execute: deleted,
  }),
  tool({
    name: "book",
    description: "Books a table.",
    inputSchema: { type: "object" },
    execute: async (_input, { ask }) => {
      const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] } as const
      return ask({ mode: "form", message: "Which name?", schema })
    },
  }),
]

/** Starts a gateway whose model plays the script. Resolves to the address of its API. */
async function serve(
  script: readonly ScriptedTurn[],
  options: Pick<AgentOptions, "showProviderErrors"> = {},
) {
  const provider = scriptedProvider(script)
  const gateway = createAgent("Hi.", {
    store: memoryStore(),
    provider,
    tools,
    logger: silentLogger,
    ...options,
  })
  const { url } = await gateway.listen({ port: 0 })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { url: `${url}/api`, server: url, provider, gateway }
}

const text = (said: string): ScriptedTurn => [{ type: "text", text: said }]
const call = (name: string): ScriptedTurn => [{ type: "toolCall", name, input: { title: "Milk" } }]

describe("chat with a running gateway", () => {
  it("prints the answers, and names the session at the end", async () => {
    const { url, provider } = await serve([text("Hello."), text("Still here.")])
    const chat = startChat([url])
    chat.type("Hi")
    await chat.shows("Hello.\n")
    chat.type("Are you there?")
    await chat.shows("Still here.\n")
    chat.end()
    expect(await chat.ended).toBe(0)
    const [, session = ""] = /Continue with --session (sess_\w+)\n$/.exec(chat.stdout()) ?? []
    expect(session).not.toBe("")
    expect(provider.requests).toHaveLength(2)
    const again = startChat([url, "--session", session])
    again.end()
    expect(await again.ended).toBe(0)
  })

  it("prints why a run failed, in the provider's own words if the gateway sends them", async () => {
    const failure = {
      type: "failure",
      code: "invalid_request",
      message: "The provider refused the request.",
    } as const
    const { url } = await serve([[{ ...failure, providerMessage: "max_tokens is too large" }]], {
      showProviderErrors: "clients",
    })
    const chat = startChat([url])
    chat.type("Hi")
    await chat.shows(
      "[The run failed: The provider refused the request. Details: max_tokens is too large (invalid_request)]",
    )
  })

  it("finds the API from the address of the server, and leaves by /exit", async () => {
    const { server } = await serve([text("Hello.")])
    const chat = startChat([server])
    chat.type("Hi")
    await chat.shows("Hello.\n")
    chat.type("/exit")
    expect(await chat.ended).toBe(0)
  })

  it("finds an API without a prefix", async () => {
    const provider = scriptedProvider([text("Hello.")])
    const options = { store: memoryStore(), provider, prefix: "/", logger: silentLogger } as const
    const gateway = createAgent("Hi.", options)
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const { url } = await gateway.listen({ port: 0 })
    const chat = startChat([url])
    chat.type("Hi")
    await chat.shows("Hello.\n")
    chat.end()
    expect(await chat.ended).toBe(0)
  })

  it.each([
    ["y", 1],
    ["YES", 1],
    ["n", 0],
    ["no", 0],
  ])("asks about a call: %j", async (answer, calls) => {
    deleted.mockClear()
    const { url, provider } = await serve([call("delete_note"), text("Done.")])
    const chat = startChat([url])
    chat.type("Delete the note.")
    await chat.shows('delete_note {"title":"Milk"}\nAllow this call?')
    chat.type(answer)
    await chat.shows("Done.\n")
    expect(deleted).toHaveBeenCalledTimes(calls)
    expect(JSON.stringify(provider.requests[1])).toContain(calls === 1 ? "Deleted." : "did not allow")
    chat.end()
    expect(await chat.ended).toBe(0)
  })

  it("asks again about a call until the answer is clear, and explains the choices", async () => {
    deleted.mockClear()
    const { url } = await serve([call("delete_note"), text("Done.")])
    const chat = startChat([url])
    chat.type("Delete the note.")
    await chat.shows("Allow this call?")
    for (const unclear of ["", "yep", "constructor"]) {
      const { length } = chat.stdout()
      chat.type(unclear)
      await vi.waitFor(() => expect(chat.stdout().slice(length)).toContain("Type y, a or n."))
    }
    chat.type("?")
    await chat.shows("n  Denies this call.")
    expect(deleted).not.toHaveBeenCalled()
    chat.type("y")
    await chat.shows("Done.\n")
    expect(deleted).toHaveBeenCalledTimes(1)
  })

  it("denies a call at the end of the input", async () => {
    deleted.mockClear()
    const { url, provider } = await serve([call("delete_note"), text("Done.")])
    const chat = startChat([url])
    chat.type("Delete the note.")
    await chat.shows("Allow this call?")
    chat.end()
    expect(await chat.ended).toBe(0)
    expect(deleted).not.toHaveBeenCalled()
    expect(JSON.stringify(provider.requests[1])).toContain("did not allow")
  })

  it("closes the question about a call on /stop", async () => {
    const { url } = await serve([call("delete_note"), text("Yes.")])
    const chat = startChat([url])
    chat.type("Delete the note.")
    await chat.shows("Allow this call?")
    chat.type("/stop")
    await chat.shows("[The response ended early: cancelled]")
    chat.type("Still there?")
    await chat.shows("Yes.\n")
  })

  it("asks once about calls that are always allowed", async () => {
    deleted.mockClear()
    const { url } = await serve([call("delete_note"), call("delete_note"), text("Done.")])
    const chat = startChat([url])
    chat.type("Delete both.")
    await chat.shows("Allow this call?")
    chat.type("always")
    await chat.shows("Done.\n")
    expect(deleted).toHaveBeenCalledTimes(2)
    expect(chat.stdout().match(/Allow this call/g)).toHaveLength(1)
  })

  it.each([
    ['{"name":"Ada"}', "Ada"],
    ["nonsense", "decline"],
  ])("passes the answer %s to a tool that asks", async (answer, result) => {
    const { url, provider } = await serve([call("book"), text("Done.")])
    const chat = startChat([url])
    chat.type("Book a table.")
    await chat.shows("book asks: Which name?")
    chat.type(answer)
    await chat.shows("Done.\n")
    expect(JSON.stringify(provider.requests[1])).toContain(result)
  })

  it("stops a response with /stop, continues, and keeps the input that was typed meanwhile", async () => {
    const forever = new Promise<never>(() => {})
    const { url, provider } = await serve([
      [
        { type: "text", text: "Thinking" },
        { type: "wait", until: forever },
      ],
      text("Yes."),
    ])
    const chat = startChat([url])
    chat.type("Think.")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1))
    chat.type("And now?")
    chat.type("/stop")
    await chat.shows("[The response ended early: cancelled]")
    await chat.shows("Yes.\n")
    chat.type("/quit")
    expect(await chat.ended).toBe(0)
  })

  it("cancels the response on Ctrl+C, and prints how to continue", async () => {
    const forever = new Promise<never>(() => {})
    const { url, gateway, provider } = await serve([
      [
        { type: "text", text: "Thinking" },
        { type: "wait", until: forever },
      ],
    ])
    const chat = startChat([url])
    chat.type("Think.")
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1))
    chat.interrupt()
    expect(await chat.ended).toBe(130)
    expect(chat.stdout()).toContain("Continue with --session sess_")
    await vi.waitFor(async () => {
      const { items } = await gateway.sessions.runs()
      expect(items).toMatchObject([{ state: "interrupted" }])
    })
  })

  it("prints one line for a request that the gateway refuses, and ends with 1 without a terminal", async () => {
    const gateway = createAgent("Hi.", {
      store: memoryStore(),
      provider: scriptedProvider([]),
      validApiKeys: ["right"],
      logger: silentLogger,
    })
    onTestFinished(() => gateway.close({ graceMs: 0 }))
    const { url } = await gateway.listen({ port: 0 })
    const chat = startChat([`${url}/api`, "--api-key", "wrong"])
    chat.type("Hi")
    await chat.shows(
      "agent-gateway: The API key is not valid. (invalid_api_key) Set --api-key or AGENT_GATEWAY_API_KEY.\n",
    )
    chat.end()
    expect(await chat.ended).toBe(1)
  })

  it("says how to start another session, and not how to continue one that is missing", async () => {
    const { url } = await serve([])
    const chat = startChat([url, "--session", "sess_gone"])
    chat.type("Hi")
    await chat.shows("(session_not_found) To start another session, leave out --session.\n")
    chat.end()
    expect(await chat.ended).toBe(1)
    expect(chat.stdout()).not.toContain("Continue with")
  })
})

it("chat with an agent's file serves the agent during the chat, with any prefix", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "agent-gateway-chat-"))
  onTestFinished(() => rm(cwd, { recursive: true, force: true }))
  const entry = new URL("../../../index.ts", import.meta.url).href
  const logger = "{ debug() {}, info() {}, warn() {}, error() {} }"
  const options = `{ provider: "demo", store: "memory", prefix: "/elsewhere", logger: ${logger} }`
  const agent = `import { createAgent } from ${JSON.stringify(entry)}\nexport default createAgent("Hi.", ${options})\n`
  await writeFile(join(cwd, "agent.mjs"), agent)
  const chat = startChat(["agent.mjs"], cwd)
  chat.type("Good morning")
  await chat.shows("Good morning")
  chat.end()
  expect(await chat.ended).toBe(0)
})

it.each([
  [["a", "b"], "unexpected argument b"],
  [["missing.ts"], "missing.ts does not exist"],
  [["localhost:8000"], "localhost:8000 is not a URL; did you mean http://localhost:8000?"],
  [["127.0.0.1:8000/api"], "did you mean http://127.0.0.1:8000/api?"],
])("chat refuses %j", async (argv, problem) => {
  const chat = startChat(argv)
  expect(await chat.ended).toBe(2)
  expect(chat.stderr()).toContain(problem)
})
