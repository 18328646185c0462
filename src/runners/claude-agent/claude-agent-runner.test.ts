import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeEach, describe, expect, it, vi } from "vitest"
import type { Tool } from "../../core/ports/tool.ts"
import type { RunnerEvent } from "../../core/runner.ts"
import { tool } from "../../tools/local-tool.ts"
import { collect, decidedRequest, outline, requestOf } from "../fixtures/runner-calls.ts"
import {
  modelMessage,
  queryResult,
  type ScriptedClaude,
  scriptedClaude,
  toolResult,
} from "../fixtures/scripted-claude.ts"
import { claudeAgentRunner } from "./claude-agent-runner.ts"
import type { ClaudeAgentOptions } from "./options.ts"
import { uuidOf } from "./session-folder.ts"

let folder: string

beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), "claude-agent-"))
  folder = made
  return () => rm(made, { recursive: true, force: true })
})

const pay = { id: "toolu_1", name: "mcp__gateway__pay", input: { amount: 9 } }
const bash = { id: "toolu_2", name: "Bash", input: { command: "ls" } }
const resultsOf = (events: readonly RunnerEvent[]) =>
  events.flatMap((event) => (event.type === "toolResult" ? [event] : []))

function payTool(options: Partial<Tool> = {}) {
  const execute = vi.fn(async (input: unknown): Promise<unknown> => ({ paid: input }))
  const inputSchema = { type: "object", properties: { amount: { type: "number" } } }
  const made = tool({ name: "pay", description: "Pays.", inputSchema, execute })
  return { execute, tool: { ...made, ...options } }
}

function runnerOf(
  scripts: readonly ((claude: ScriptedClaude) => AsyncIterable<object>)[],
  options: Partial<ClaudeAgentOptions> = {},
) {
  const { query, queries } = scriptedClaude(...scripts)
  return { runner: claudeAgentRunner({ query, env: {}, folder, ...options }), queries }
}

/** As Claude Code leaves it behind. */
async function writeTranscript(text = "{}\n", sessionId = "sess_1") {
  const id = uuidOf("session", sessionId)
  const project = join(folder, id, "config/projects/-work")
  await mkdir(project, { recursive: true })
  await writeFile(join(project, `${id}.jsonl`), text)
}

const deferred = (id: string) => queryResult({ terminal_reason: "tool_deferred", deferred_tool_use: { id } })

describe("an agent of the Claude Agent SDK", () => {
  it("has its text, calls, results and usage reported", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = runnerOf(
      [
        async function* (claude) {
          expect(await claude.heard()).toBe("Go.")
          yield* modelMessage("I pay.", [pay])
          const { permissionDecision, updatedInput } = await claude.hook(pay.id, pay.name, pay.input)
          expect({ permissionDecision, updatedInput }).toEqual({
            permissionDecision: "allow",
            updatedInput: { amount: 9 },
          })
          const { content } = await claude.call(pay.id, "pay", { amount: 9 })
          expect(content).toEqual([{ type: "text", text: '{"paid":{"amount":9}}' }])
          yield toolResult(pay.id, "as the model saw it")
          yield* modelMessage("Paid.")
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, requestOf())
    expect(outline(events)).toEqual(["I pay.", "usage", "call pay", "toolResult", "Paid.", "usage"])
    expect(resultsOf(events)).toEqual([
      { type: "toolResult", id: "toolu_1", result: { type: "json", value: { paid: { amount: 9 } } } },
    ])
    expect(events.at(-1)).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3 },
      model: "claude-test",
      priceList: "anthropic",
    })
    expect(execute).toHaveBeenCalledOnce()
  })

  it("makes no call before it is durable, and gives the model no result before that is", async () => {
    const steps: string[] = []
    const { tool: own } = payTool()
    const { runner } = runnerOf(
      [
        async function* (claude) {
          yield* modelMessage("", [pay])
          await claude.hook(pay.id, pay.name, pay.input)
          steps.push("allowed")
          await claude.call(pay.id, "pay", { amount: 9 })
          steps.push("received")
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    for await (const { type } of runner(requestOf())) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      if (type !== "usage") steps.push(type)
    }
    expect(steps).toEqual(["toolCall", "allowed", "toolResult", "received"])
  })

  it("parks for a call that a person must allow, and makes it with edited arguments", async () => {
    const { tool: own, execute } = payTool({ needsApproval: true })
    const { runner, queries } = runnerOf(
      [
        async function* (claude) {
          yield* modelMessage("I pay.", [pay])
          expect(await claude.hook(pay.id, pay.name, pay.input)).toMatchObject({
            permissionDecision: "defer",
          })
          yield deferred(pay.id)
        },
        async function* (claude) {
          // The tools of the gateway are connected after the first try.
          yield queryResult({ terminal_reason: "tool_deferred_unavailable", is_error: true })
          expect(await claude.heard()).toBe("The approval was decided. Continue.")
          const decision = await claude.hook(pay.id, pay.name, pay.input)
          expect(decision).toMatchObject({ permissionDecision: "allow", updatedInput: { amount: 1 } })
          await claude.call(pay.id, "pay", { amount: 1 })
          yield toolResult(pay.id, "paid")
          yield* modelMessage("Done.")
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, requestOf())
    expect(outline(events)).toEqual(["I pay.", "usage", "state", "ask pay"])
    expect(execute).not.toHaveBeenCalled()
    await writeTranscript()
    const request = decidedRequest(events, [{ id: pay.id, editedInput: { amount: 1 } }])
    expect(outline(await collect(runner, request))).toEqual(["toolResult", "Done.", "usage"])
    expect(execute.mock.calls.map(([input]) => input)).toEqual([{ amount: 1 }])
    expect(queries.map(({ sessionId, resume }) => ({ sessionId, resume }))).toEqual([
      { sessionId: uuidOf("session", "sess_1"), resume: undefined },
      { sessionId: undefined, resume: uuidOf("session", "sess_1") },
    ])
  })

  it("tells the model why a call was denied, by the hook and by the second lock", async () => {
    await writeTranscript()
    const { runner } = runnerOf(
      [
        async function* ({ hook, options }) {
          const decision = await hook(bash.id, bash.name, bash.input)
          expect(decision.permissionDecisionReason).toBe("A person denied this call: not today")
          expect(await options.canUseTool(bash.name, bash.input, { toolUseID: bash.id })).toEqual({
            behavior: "deny",
            message: "A person denied this call: not today",
          })
          yield toolResult(bash.id, "hook error", true)
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    const state = { type: "state", state: { asked: bash } } as const
    const request = decidedRequest([state], [{ id: bash.id, approved: false, reason: "not today" }])
    expect(resultsOf(await collect(runner, request))).toMatchObject([{ result: { code: "denied" } }])
  })

  it("does not repeat a call that was allowed before a crash", async () => {
    await writeTranscript()
    const { runner } = runnerOf(
      [
        async function* ({ hook }) {
          const decision = await hook(bash.id, bash.name, bash.input)
          expect(decision).toMatchObject({ permissionDecision: "deny" })
          expect(decision.permissionDecisionReason).toContain("may or may not have taken effect")
          yield toolResult(bash.id, "hook error", true)
          yield* modelMessage("I look.")
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    const events = await collect(runner, requestOf({ reason: "resume", state: { asked: { ...bash } } }))
    expect(outline(events)).toEqual(["I look.", "usage"])
  })

  it("refuses calls that the model makes together, if a person must allow one", async () => {
    const second = { ...pay, id: "toolu_9" }
    const { tool: own, execute } = payTool({ needsApproval: true })
    const { runner } = runnerOf(
      [
        async function* (claude) {
          yield* modelMessage("", [pay, second])
          for (const { id } of [pay, second]) {
            const { permissionDecisionReason } = await claude.hook(id, pay.name, pay.input)
            expect(permissionDecisionReason).toContain("as the only call of your message")
            yield toolResult(id, "hook error", true)
          }
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, requestOf())
    expect(outline(events)).toEqual(["usage", "call pay", "call pay", "toolResult", "toolResult"])
    expect(execute).not.toHaveBeenCalled()
  })

  it("lets a sub-agent of Claude Code make no call that a person must allow", async () => {
    const { runner } = runnerOf(
      [
        async function* ({ hook }) {
          const message = { id: "msg_nested", model: "m", content: [{ type: "tool_use", ...bash }] }
          yield { type: "assistant", parent_tool_use_id: "toolu_parent", message }
          const { permissionDecisionReason } = await hook(bash.id, bash.name, bash.input)
          expect(permissionDecisionReason).toContain("a sub-agent cannot ask")
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    expect(outline(await collect(runner, requestOf()))).toEqual(["call Bash"])
  })

  it("keeps the limits of a run over its approvals", async () => {
    const spending = {
      model_usage_since_last_result: { m: { inputTokens: 7, outputTokens: 3, costUSD: 0.3 } },
    }
    const { runner, queries } = runnerOf(
      [
        async function* ({ hook }) {
          yield* modelMessage("", [bash])
          await hook(bash.id, bash.name, bash.input)
          yield { ...deferred(bash.id), ...spending }
        },
        async function* ({ hook }) {
          await hook(bash.id, bash.name, bash.input)
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"], maxTurns: 5, maxBudgetUsd: 1 },
    )
    const events = await collect(runner, requestOf())
    await writeTranscript()
    await collect(runner, decidedRequest(events, [{ id: bash.id }]))
    expect(queries.map(({ maxTurns, maxBudgetUsd }) => [maxTurns, maxBudgetUsd])).toEqual([
      [5, 1],
      [4, 0.7],
    ])
    const over = decidedRequest(
      [{ type: "state", state: { asked: bash, turns: 5, costUsd: 0 } }],
      [{ id: bash.id }],
    )
    await expect(collect(runner, over)).rejects.toThrow("The agent failed: error_max_turns.")
  })

  it("counts the tokens that no message has told of", async () => {
    const totals = {
      main: { inputTokens: 7, outputTokens: 3 },
      small: { inputTokens: 100, outputTokens: 20 },
    }
    const { runner } = runnerOf([
      async function* () {
        yield* modelMessage("Hi.")
        yield queryResult({ model_usage_since_last_result: totals })
      },
    ])
    const events = await collect(runner, requestOf())
    expect(events.at(-1)).toMatchObject({ model: "small", usage: { inputTokens: 100, outputTokens: 20 } })
  })
})

describe("a call that nobody allowed", () => {
  it.each([
    ["is not among the built-in tools that were listed", { ...bash, name: "Write" }],
    ["is a tool of another MCP server", { ...bash, name: "mcp__other__pay" }],
  ])("is denied if it %s", async (_, call) => {
    const { runner } = runnerOf(
      [
        async function* ({ hook, options }) {
          yield* modelMessage("", [call])
          expect(await hook(call.id, call.name, call.input)).toMatchObject({ permissionDecision: "deny" })
          const second = await options.canUseTool(call.name, call.input, { toolUseID: call.id })
          expect(second.behavior).toBe("deny")
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"], needsApproval: false },
    )
    await collect(runner, requestOf())
  })

  it("is denied if no message of the model has it", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = runnerOf(
      [
        async function* ({ hook, call, options }) {
          expect(await hook(pay.id, pay.name, pay.input)).toMatchObject({ permissionDecision: "deny" })
          const second = await options.canUseTool(pay.name, pay.input, { toolUseID: "toolu_other" })
          expect(second.behavior).toBe("deny")
          expect(await call(pay.id, "pay", pay.input)).toMatchObject({ isError: true })
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    await collect(runner, requestOf())
    expect(execute).not.toHaveBeenCalled()
  })

  it("is denied if an allowed call has its id, but another name", async () => {
    const { runner } = runnerOf(
      [
        async function* ({ hook }) {
          yield* modelMessage("", [bash])
          expect(await hook(bash.id, "Write", bash.input)).toMatchObject({ permissionDecision: "deny" })
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash", "Write"], needsApproval: false },
    )
    await collect(runner, requestOf())
  })

  it("is executed once, however often Claude Code makes it", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = runnerOf(
      [
        async function* ({ hook, call }) {
          yield* modelMessage("", [pay])
          await hook(pay.id, pay.name, pay.input)
          await call(pay.id, "pay", pay.input)
          await hook(pay.id, pay.name, pay.input)
          expect(await call(pay.id, "pay", pay.input)).toMatchObject({ isError: true })
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    await collect(runner, requestOf())
    expect(execute).toHaveBeenCalledOnce()
  })

  it.each([
    ["throws", () => Promise.reject(new Error("no"))],
    ["does not return", () => new Promise<boolean>(() => {})],
  ])("is refused if the policy %s", async (_, needsApproval) => {
    const { runner } = runnerOf(
      [
        async function* ({ hook }) {
          yield* modelMessage("", [bash])
          const { permissionDecision, permissionDecisionReason } = await hook(bash.id, bash.name, bash.input)
          expect([permissionDecision, permissionDecisionReason]).toEqual([
            "deny",
            "This call was refused, because its approval could not be checked.",
          ])
          yield queryResult()
        },
      ],
      { builtInTools: ["Bash"], needsApproval, callbackTimeoutMs: 20 },
    )
    await collect(runner, requestOf())
  })

  it("is refused if its input does not fit, before a person is asked", async () => {
    const { tool: own } = payTool({
      needsApproval: true,
      validate: async () => ({ valid: false, message: "amount is missing" }),
    })
    const { runner } = runnerOf(
      [
        async function* ({ hook }) {
          yield* modelMessage("", [pay])
          expect((await hook(pay.id, pay.name, {})).permissionDecisionReason).toBe("amount is missing")
          yield queryResult()
        },
      ],
      { tools: [own] },
    )
    expect(outline(await collect(runner, requestOf()))).toEqual(["usage", "call pay"])
  })
})

describe("Claude Code", () => {
  it("is started without settings, and with the given environment alone", async () => {
    const { runner, queries } = runnerOf(
      [
        async function* () {
          yield queryResult()
        },
      ],
      { env: { ANTHROPIC_API_KEY: "key", HOME: "/root" }, builtInTools: ["Bash"] },
    )
    await collect(runner, requestOf())
    const [options] = queries
    expect(options).toMatchObject({
      tools: ["Bash"],
      settingSources: [],
      strictMcpConfig: true,
      skills: [],
      plugins: [],
      verbatimPrompts: true,
      permissionMode: "default",
      settings: { permissions: { ask: ["Bash"] } },
      hooks: { PreToolUse: [{ onFailure: "block" }] },
    })
    const home = join(folder, uuidOf("session", "sess_1"))
    expect(options?.env).toMatchObject({ ANTHROPIC_API_KEY: "key", HOME: join(home, "home") })
    const inherited = Object.keys(process.env).filter((name) => options?.env[name] === process.env[name])
    expect(inherited.filter((name) => name !== "LANG")).toEqual([])
    expect((await stat(home)).mode & 0o077).toBe(0)
  })

  it("gets the whole conversation if its session is not on this machine", async () => {
    const heard: string[] = []
    const script = async function* (claude: ScriptedClaude) {
      heard.push(await claude.heard())
      yield queryResult()
    }
    const { runner } = runnerOf([script, script])
    const messages = [
      { role: "user", content: [{ type: "text", text: "I am Ann." }] },
      { role: "assistant", content: [{ type: "text", text: "Hello, Ann." }] },
      { role: "user", content: [{ type: "text", text: "Who am I?" }] },
    ] as const
    await collect(runner, requestOf({ messages }))
    await writeTranscript()
    await collect(runner, requestOf({ messages }))
    expect(heard[0]).toContain("User: I am Ann.\n\nAssistant: Hello, Ann.")
    expect(heard[0]).toMatch(/Who am I\?$/)
    expect(heard[1]).toBe("Who am I?")
  })

  it("is told after a crash that it was interrupted, if it had heard the message", async () => {
    const heard: string[] = []
    const script = async function* (claude: ScriptedClaude) {
      heard.push(await claude.heard())
      yield queryResult()
    }
    const { runner } = runnerOf([script, script])
    await writeTranscript()
    await collect(runner, requestOf({ reason: "resume" }))
    await writeTranscript(`{"uuid":"${uuidOf("run", "run_1")}"}\n`)
    await collect(runner, requestOf({ reason: "resume" }))
    expect(heard[0]).toBe("Go.")
    expect(heard[1]).toMatch(/^The server stopped while you responded/)
  })

  it("makes no call for an approval whose session is lost", async () => {
    const { runner, queries } = runnerOf([])
    const request = decidedRequest([{ type: "state", state: { asked: bash } }], [{ id: bash.id }])
    await expect(collect(runner, request)).rejects.toMatchObject({ code: "agent_session_lost" })
    expect(queries).toEqual([])
  })

  it.each([
    [{ subtype: "error_max_turns" }, "The agent failed: error_max_turns."],
    [{ is_error: true, api_error_status: 401 }, "The agent failed: error (a service answered 401)."],
    [{ subtype: "<script>", is_error: true }, "The agent failed: error."],
  ])("fails the run with %o", async (fields, message) => {
    const { runner } = runnerOf([
      async function* () {
        yield queryResult({ result: "sk-ant-secret", ...fields })
      },
    ])
    await expect(collect(runner, requestOf())).rejects.toMatchObject({ code: "agent_failed", message })
  })

  it("fails the run if it ends without a result, and if it does not end in time", async () => {
    const { runner } = runnerOf([async function* () {}])
    await expect(collect(runner, requestOf())).rejects.toThrow("The agent failed: no_result.")
    const slow = runnerOf(
      [
        async function* () {
          await new Promise(() => {})
          yield {}
        },
      ],
      { timeoutMs: 20 },
    )
    await expect(collect(slow.runner, requestOf())).rejects.toThrow("The agent failed: timeout.")
  })

  it("is stopped by a cancel, also while the run waits for a place", async () => {
    const stop = new AbortController()
    const started = Promise.withResolvers<void>()
    const { runner, queries } = runnerOf(
      [
        async function* ({ options }) {
          started.resolve()
          await new Promise((resolve) => options.abortController.signal.addEventListener("abort", resolve))
          yield {}
        },
        async function* () {
          yield queryResult()
        },
      ],
      { maxProcesses: 1 },
    )
    const runs = ["sess_1", "sess_2"].map((sessionId) =>
      collect(runner, requestOf({ sessionId, signal: stop.signal })),
    )
    const ended = Promise.allSettled(runs)
    await started.promise
    stop.abort(new Error("canceled"))
    const rejected = { status: "rejected", reason: stop.signal.reason }
    expect(await ended).toEqual([rejected, rejected])
    expect(queries).toHaveLength(1)
    await collect(runner, requestOf({ sessionId: "sess_3" }))
    expect(queries).toHaveLength(2)
  })

  it("may send anything: what has no form known is skipped", async () => {
    const strange = [null, 7, "x", {}, { type: "assistant" }, { type: "stream_event", event: 3 }]
    const { runner } = runnerOf([
      async function* () {
        yield* strange as object[]
        yield { type: "user", message: { content: [{ type: "tool_result", tool_use_id: "toolu_?" }] } }
        yield { type: "assistant", message: { content: [{ type: "tool_use" }, null, 3] } }
        yield* modelMessage("Hi.")
        yield queryResult()
      },
    ])
    const events = await collect(runner, requestOf())
    expect(outline(events)).toContain("Hi.")
    expect(resultsOf(events)).toEqual([])
  })

  it("has the folders of sessions removed that were not used for long", async () => {
    const old = join(folder, uuidOf("session", "old"))
    const others = join(folder, "something-else")
    for (const path of [old, others]) {
      await mkdir(path)
      await utimes(path, new Date(0), new Date(0))
    }
    const { runner } = runnerOf([
      async function* () {
        yield queryResult()
      },
    ])
    await collect(runner, requestOf())
    expect((await readdir(folder)).toSorted()).toEqual(
      [uuidOf("session", "sess_1"), "something-else"].toSorted(),
    )
  })
})

describe("a tool of the gateway", () => {
  async function resultOf(own: Tool, options: Partial<ClaudeAgentOptions> = {}) {
    const { runner } = runnerOf(
      [
        async function* ({ hook, call }) {
          yield* modelMessage("", [pay])
          await hook(pay.id, pay.name, pay.input)
          await call(pay.id, "pay", pay.input)
          yield queryResult()
        },
      ],
      { tools: [own], ...options },
    )
    const [event] = resultsOf(await collect(runner, requestOf()))
    return event?.result
  }

  it("that throws, hangs or returns a wait gives an error result", async () => {
    const throwing = payTool().tool
    const failed = { ...throwing, execute: () => Promise.reject(new Error("key sk-ant-api03-secret")) }
    expect(await resultOf(failed)).toEqual({
      type: "error",
      code: "tool_failed",
      message: "key [redacted]",
    })
    const hanging = { ...throwing, execute: () => new Promise<never>(() => {}), timeoutMs: 20 }
    expect(await resultOf(hanging)).toMatchObject({ code: "timeout" })
    const wait = { type: "wait", kind: "timer", until: 0, continuation: {} } as const
    expect(await resultOf({ ...throwing, execute: async () => wait })).toMatchObject({
      message: "The wait of tool pay is not supported by the runner for the Claude Agent SDK.",
    })
  })

  it("with a large result has it truncated", async () => {
    const { tool: own } = payTool()
    const execute = async () => ({ type: "json", value: "x".repeat(3_000_000) }) as const
    expect(JSON.stringify(await resultOf({ ...own, execute })).length).toBeLessThan(1_001_000)
  })

  it("is told the session, the user and the call", async () => {
    const { tool: own } = payTool()
    const execute = vi.fn<Tool["execute"]>(async () => ({ type: "json", value: null }))
    await resultOf({ ...own, execute })
    expect(execute.mock.calls[0]?.[1]).toMatchObject({
      session: { id: "sess_1", tenant: "", userId: "alice" },
      toolCallId: "toolu_1",
      idempotencyKey: "toolu_1",
    })
  })
})

describe("options that cannot work are refused:", () => {
  const given = { query: () => (async function* () {})(), env: {} }
  it.each([
    ["two tools of one name", { tools: [payTool().tool], builtInTools: ["pay"] }, /two tools/],
    ["a tool that is no built-in one", { builtInTools: ["mcp__a__b"] }, /not the name/],
    [
      "a client tool",
      { tools: [{ ...payTool().tool, executionLocation: "client" as const }] },
      /by the client/,
    ],
    ["a limit of nothing", { maxProcesses: 0 }, /maxProcesses/],
    ["a time that no timer has", { timeoutMs: 2 ** 40 }, /timeoutMs/],
    ["a budget of nothing", { maxBudgetUsd: 0 }, /maxBudgetUsd/],
  ])("%s", (_, options, message) => {
    expect(() => claudeAgentRunner({ ...given, ...options })).toThrow(message)
  })
})
