import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { installClaudeAgentSdk } from "../../scripts/install-claude-agent-sdk.ts"
import {
  type AnthropicAnswerPart,
  anthropicErrorReply,
  anthropicEvents,
} from "../../src/testing/provider/anthropic-wire.ts"
import {
  startScriptedUpstream,
  type UpstreamReply,
  type UpstreamRequest,
} from "../../src/testing/provider/scripted-upstream.ts"
import { requires } from "../needs.ts"
import { assemble, ids, types } from "./support/assemble.ts"
import type { EventStream, Frame } from "./support/event-stream.ts"
import { kill, startGateway } from "./support/gateway-process.ts"
import { type SessionClient, startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

beforeAll(installClaudeAgentSdk)
beforeEach(() => requires("linux"))

type Answer = readonly AnthropicAnswerPart[] | UpstreamReply

/** Starts a gateway with the real SDK, whose model plays a script of one answer for each call. */
async function serve(
  answers: readonly Answer[] | ((request: UpstreamRequest, index: number) => Answer),
  env: Readonly<Record<string, string>> = {},
) {
  const folder = await temporaryFolder()
  /** Returns the environments and ids of processes that the runner started. */
  const processes = () => processesWith(`CLAUDE_CONFIG_DIR=${join(folder, ".agent-gateway/claude-agent")}`)
  // A process of Claude Code ends shortly after its gateway was killed. Until then it writes to the folder.
  onTestFinished(() => expect.poll(processes).toEqual([]))
  const effects = join(folder, "effects")
  const work = join(folder, "work")
  await mkdir(work)
  await writeFile(effects, "")
  let index = 0
  const upstream = await startScriptedUpstream((request) => {
    const answer = typeof answers === "function" ? answers(request, index) : answers[index]
    index += 1
    if (answer === undefined) throw new Error("The script has no further answer.")
    return "steps" in answer ? answer : { steps: anthropicEvents(answer) }
  })
  onTestFinished(() => upstream.close())
  const start = () =>
    startGateway({
      agent: "claude-agent.ts",
      folder,
      env: { UPSTREAM: upstream.url, EFFECTS: effects, WORK: work, ...env },
    })
  const gateway = await start()
  return {
    gateway,
    url: gateway.url,
    upstream,
    work,
    effects: async () => (await readFile(effects, "utf8")).split("\n").filter((line) => line !== ""),
    /** Restarts the gateway after `kill -9`. */
    async restarted() {
      await kill(gateway)
      return (await start()).url
    },
    processes,
    lastRequest: () => (upstream.requests.at(-1)?.body ?? {}) as ModelRequest,
    requested: () => JSON.stringify(upstream.requests.map(({ body }) => body)),
  }
}

interface ModelRequest {
  readonly messages?: readonly { readonly role: string }[]
  readonly tools?: readonly { readonly name: string }[]
}

async function processesWith(variable: string) {
  const found: { readonly pid: number; readonly environment: string; readonly command: string }[] = []
  for (const pid of (await readdir("/proc")).map(Number).filter((id) => id > 0)) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
    if (!environment.includes(variable)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
    // A process that has ended and was not reaped yet has no command line.
    if (command !== "") found.push({ pid, environment, command })
  }
  return found
}

const say = (text: string): AnthropicAnswerPart => ({ type: "text", text })
const use = (name: string, input: Record<string, string | number>, id = "toolu_1"): AnthropicAnswerPart => ({
  type: "toolCall",
  id,
  name,
  input,
})
const act = (id: string, ms = 0, callId = `toolu_${id}`) => use("mcp__gateway__act", { id, ms }, callId)
const bash = (command: string) => use("Bash", { command, description: "Test" })

type Question = Extract<Frame["event"], { type: "tool_approval_request" }>

async function question(
  stream: EventStream,
): Promise<{ readonly asked: Question; readonly frames: readonly Frame[] }> {
  const frames = await stream.until(({ event }) => event.type === "tool_approval_request")
  return { asked: frames.at(-1)?.event as Question, frames }
}

const answer = (session: SessionClient, { tool_call_id, nonce }: Question, decision: object) =>
  session.post("/chat/tool-approval", { tool_call_id, nonce, ...decision })

const resultsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ event }) => (event.type === "tool_call_complete" ? [event] : []))

describe("a process of Claude Code", () => {
  test("does not outlive a gateway that is killed during a command, and the command is not repeated", async () => {
    const served = await serve(
      (request) =>
        JSON.stringify(request.body).includes("tool_result")
          ? [say("I look what became of it.")]
          : [bash("echo x >> commands; sleep 1000")],
      { BUILT_IN: "Bash" },
    )
    const session = await startSession(served.url)
    const { asked, frames } = await question(await session.chat("work"))
    await answer(session, asked, { approved: true })
    const commands = join(served.work, "commands")
    await expect.poll(() => existsSync(commands)).toBe(true)
    const before = (await served.processes()).map(({ pid }) => pid)
    expect(before.length).toBeGreaterThan(1)
    const again = session.at(await served.restarted())
    const left = async () => (await served.processes()).filter(({ pid }) => before.includes(pid))
    await expect.poll(left).toEqual([])
    const rest = await (await again.subscribe({ afterSeq: ids(frames).at(-1) ?? 0 })).rest()
    expect(assemble(rest)).toMatchObject({
      text: "I look what became of it.",
      terminal: { terminal_disposition: "completed" },
    })
    expect(await readFile(commands, "utf8")).toBe("x\n")
    // Claude Code had a moment to record that it was ended.
    expect(served.requested()).toMatch(/Exit code 1\d\d|may or may not have taken effect/)
    await expect.poll(served.processes).toEqual([])
  })

  test("ends when the run is canceled, with its command", async () => {
    const served = await serve([[bash("touch started; sleep 1000")]], { BUILT_IN: "Bash" })
    const session = await startSession(served.url)
    const stream = await session.chat("work")
    await answer(session, (await question(stream)).asked, { approved: true })
    await expect.poll(() => existsSync(join(served.work, "started"))).toBe(true)
    await session.cancel()
    expect(assemble(await stream.rest()).terminal).toMatchObject({ reason: "cancelled" })
    await expect.poll(served.processes).toEqual([])
  })

  test("receives no secret of the gateway, and has no key in its command line", async () => {
    const served = await serve([[act("a", 1_000_000)]], { OTHER_SECRET: "hunter2" })
    const session = await startSession(served.url)
    await session.chat("work")
    await expect.poll(served.effects).toEqual(["a"])
    const processes = await served.processes()
    expect(processes.length).toBeGreaterThan(0)
    for (const { environment, command } of processes) {
      expect(environment).not.toContain("hunter2")
      expect(command).not.toContain("sk-of-test")
    }
    await session.cancel()
  })

  test("loads no settings, hooks, instructions and servers of its working directory", async () => {
    const served = await serve([[say("Hello.")]], { BUILT_IN: "Read" })
    const planted = join(served.work, "HOOKED")
    const hooks = { SessionStart: [{ hooks: [{ type: "command", command: `touch ${planted}` }] }] }
    const files = {
      ".claude/settings.json": JSON.stringify({ hooks, permissions: { allow: ["Read"] } }),
      ".claude/settings.local.json": JSON.stringify({ hooks }),
      ".claude/skills/evil/SKILL.md": "---\nname: evil\ndescription: PLANTED\n---\nPLANTED",
      ".claude/commands/evil.md": "PLANTED",
      ".claude/agents/evil.md": "---\nname: evil\ndescription: PLANTED\n---\nPLANTED",
      ".mcp.json": JSON.stringify({ mcpServers: { evil: { command: "touch", args: [planted] } } }),
      "CLAUDE.md": "PLANTED",
      "CLAUDE.local.md": "PLANTED",
      "AGENTS.md": "PLANTED",
      "secret.txt": "PLANTED",
    }
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(served.work, name)), { recursive: true })
      await writeFile(join(served.work, name), text)
    }
    const session = await startSession(served.url)
    const frames = await (await session.chat("/evil @secret.txt !touch HOOKED")).rest()
    expect(assemble(frames).text).toBe("Hello.")
    expect(served.requested()).not.toContain("PLANTED")
    expect(served.requested()).toContain("/evil @secret.txt !touch HOOKED")
    expect(existsSync(planted)).toBe(false)
  })
})

describe("a built-in tool of Claude Code", () => {
  test.each([
    ["that only reads", "Read", { file_path: "secret.txt" }],
    ["that runs a harmless command", "Bash", { command: "cat secret.txt", description: "Test" }],
  ])("%s needs an approval, and is not executed if that is denied", async (_, name, input) => {
    const served = await serve([[use(name, input)], [say("I may not.")]], { BUILT_IN: "Read,Bash" })
    await writeFile(join(served.work, "secret.txt"), "PLANTED")
    const session = await startSession(served.url)
    const stream = await session.chat("read")
    const { asked } = await question(stream)
    expect(asked).toMatchObject({ tool_name: name })
    await answer(session, asked, { approved: false, reason: "private" })
    expect(assemble(await stream.rest()).text).toBe("I may not.")
    expect(served.requested()).toContain("private")
    expect(served.requested()).not.toContain("PLANTED")
  })

  test("is executed once with the person's arguments, even after a restart", async () => {
    const served = await serve([[bash("echo model >> said")], [say("Said.")]], { BUILT_IN: "Bash" })
    const session = await startSession(served.url)
    const { asked, frames } = await question(await session.chat("say"))
    const again = session.at(await served.restarted())
    expect(await served.processes()).toEqual([])
    const edited = { command: "echo person >> said", description: "Test" }
    await answer(again, asked, { approved: true, tool_input: edited })
    const rest = await (await again.subscribe({ afterSeq: ids(frames).at(-1) ?? 0 })).rest()
    expect(assemble(rest).text).toBe("Said.")
    expect(await readFile(join(served.work, "said"), "utf8")).toBe("person\n")
  })

  test("is missing if it was not listed, whatever the model calls", async () => {
    const served = await serve(
      [
        [bash("touch made")],
        [use("Write", { file_path: "made", content: "x" }, "toolu_2")],
        [say("So be it.")],
      ],
      {
        BUILT_IN: "Read",
      },
    )
    const session = await startSession(served.url)
    const frames = await (await session.chat("write")).rest()
    expect(assemble(frames).text).toBe("So be it.")
    expect(resultsOf(frames).map(({ error }) => error?.code)).toEqual(["tool_failed", "tool_failed"])
    expect(existsSync(join(served.work, "made"))).toBe(false)
    const { tools = [] } = served.lastRequest()
    expect(tools.map(({ name }) => name)).toEqual(["Read", "mcp__gateway__act"])
  })
})

describe("a tool of the gateway, called by Claude Code,", () => {
  test("is not repeated if the gateway is killed during the call", async () => {
    // The process of the killed gateway may call the model once more before it ends.
    const served = await serve((request) => {
      const said = JSON.stringify(request.body)
      if (said.includes("The server stopped while you responded")) return [say("I look.")]
      return said.includes("tool_result")
        ? [say("The connection broke.")]
        : [say("I act."), act("a", 1_000_000)]
    })
    const session = await startSession(served.url)
    const stream = await session.chat("work")
    const before = await stream.until(({ event }) => event.type === "tool_call_start")
    await expect.poll(served.effects).toEqual(["a"])
    const again = session.at(await served.restarted())
    const after = await (await again.subscribe({ afterSeq: ids(before).at(-1) ?? 0 })).rest()
    expect(types(after)).toContain("tool_call_interrupted")
    expect(assemble(after).text).toBe("I look.")
    expect(await served.effects()).toEqual(["a"])
  })

  test("executes the calls of one message, and several sessions stay separate", async () => {
    const served = await serve((request) => {
      const said = JSON.stringify(request.body)
      const [, name = ""] = /session (\w+)/.exec(said) ?? []
      return said.includes("tool_result") ? [say(`Done ${name}.`)] : [act(`${name}1`), act(`${name}2`)]
    })
    const names = ["a", "b", "c"]
    const texts = names.map(async (name) => {
      const session = await startSession(served.url)
      const frames = await (await session.chat(`session ${name}`)).rest()
      expect(resultsOf(frames).map(({ result }) => result)).toEqual([`acted ${name}1`, `acted ${name}2`])
      return assemble(frames).text
    })
    expect(await Promise.all(texts)).toEqual(["Done a.", "Done b.", "Done c."])
    expect((await served.effects()).toSorted()).toEqual(["a1", "a2", "b1", "b2", "c1", "c2"])
  })
})

test("a conversation continues in the SDK's session, with the usage of each run", async () => {
  const served = await serve([[say("Hello, Ann.")], [say("You are Ann.")]])
  const session = await startSession(served.url)
  await (await session.chat("I am Ann.")).rest()
  const frames = await (await session.chat("Who am I?")).rest()
  expect(assemble(frames)).toMatchObject({
    text: "You are Ann.",
    terminal: { usage: { input_tokens: 10 } },
  })
  const { messages = [] } = served.lastRequest()
  const roles = messages.map(({ role }) => role).filter((role) => role !== "system")
  expect(roles).toEqual(["user", "assistant", "user"])
})

test("a run fails if the provider refuses, and the next one works", async () => {
  const refused = anthropicErrorReply(401, "authentication_error", "invalid x-api-key sk-of-test")
  let isRefused = true
  const served = await serve(() => (isRefused ? refused : [say("Hello.")]))
  const session = await startSession(served.url)
  const frames = await (await session.chat("Hi")).rest()
  expect(frames.at(-1)?.event).toMatchObject({ code: "agent_failed" })
  expect(JSON.stringify(frames)).toContain("a service answered 401")
  expect(JSON.stringify(frames)).not.toContain("sk-of-test")
  isRefused = false
  expect(assemble(await (await session.chat("Hi")).rest()).text).toBe("Hello.")
})
