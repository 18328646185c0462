import { describe, expect, it, vi } from "vitest"
import type { Tool } from "../../../../core/ports/tools/tool.ts"
import { bash, createRunner, pay, payTool, selectResults } from "../../fixtures/claude-runner.ts"
import { collect, createRequest, outline } from "../../fixtures/runner-calls.ts"
import { createQueryResult, streamMessage } from "../../fixtures/scripted-claude.ts"
import { claudeAgentRunner } from "../claude-agent-runner.ts"
import type { ClaudeAgentOptions } from "../options.ts"

describe("a call that no one allowed", () => {
  it.each([
    ["is not among the built-in tools that were listed", { ...bash, name: "Write" }],
    ["is a tool of another MCP server", { ...bash, name: "mcp__other__pay" }],
  ])("is denied if it %s", async (_, call) => {
    const { runner } = await createRunner(
      [
        async function* ({ hook, options }) {
          yield* streamMessage("", [call])
          expect(await hook(call.id, call.name, call.input)).toMatchObject({ permissionDecision: "deny" })
          const second = await options.canUseTool(call.name, call.input, { toolUseID: call.id })
          expect(second.behavior).toBe("deny")
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"], needsApproval: false },
    )
    await collect(runner, createRequest())
  })

  it("is denied if it is in no message of the model", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = await createRunner(
      [
        async function* ({ hook, call, options }) {
          expect(await hook(pay.id, pay.name, pay.input)).toMatchObject({ permissionDecision: "deny" })
          const second = await options.canUseTool(pay.name, pay.input, { toolUseID: "toolu_other" })
          expect(second.behavior).toBe("deny")
          expect(await call(pay.id, "pay", pay.input)).toMatchObject({ isError: true })
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    await collect(runner, createRequest())
    expect(execute).not.toHaveBeenCalled()
  })

  it("is denied if an allowed call has its id, but another name", async () => {
    const { runner } = await createRunner(
      [
        async function* ({ hook }) {
          yield* streamMessage("", [bash])
          expect(await hook(bash.id, "Write", bash.input)).toMatchObject({ permissionDecision: "deny" })
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash", "Write"], needsApproval: false },
    )
    await collect(runner, createRequest())
  })

  it("is denied if it has the id of another call, or an id that is too long", async () => {
    const strange = { ...bash, id: "x".repeat(1_000) }
    const { runner } = await createRunner(
      [
        async function* ({ hook }) {
          yield* streamMessage("", [bash, bash, strange])
          const decisions = [
            await hook(bash.id, bash.name, bash.input),
            await hook(bash.id, bash.name, bash.input),
          ]
          decisions.push(await hook(strange.id, bash.name, bash.input))
          expect(decisions.map(({ permissionDecision }) => permissionDecision)).toEqual([
            "deny",
            "deny",
            "deny",
          ])
          yield* streamMessage("", [{ ...bash, input: { command: "rm -r /" } }])
          expect(await hook(bash.id, bash.name, {})).toMatchObject({ permissionDecision: "deny" })
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"], needsApproval: false },
    )
    expect(outline(await collect(runner, createRequest()))).toEqual(["usage", "call Bash", "usage"])
  })

  it("is executed once, however often Claude Code requests it", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = await createRunner(
      [
        async function* ({ hook, call }) {
          yield* streamMessage("", [pay])
          await hook(pay.id, pay.name, pay.input)
          await call(pay.id, "pay", pay.input)
          await hook(pay.id, pay.name, pay.input)
          expect(await call(pay.id, "pay", pay.input)).toMatchObject({ isError: true })
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    await collect(runner, createRequest())
    expect(execute).toHaveBeenCalledOnce()
  })

  it.each([
    ["throws", () => Promise.reject(new Error("no"))],
    ["does not return", () => new Promise<boolean>(() => {})],
  ])("is refused if the policy %s", async (_, needsApproval) => {
    const { runner } = await createRunner(
      [
        async function* ({ hook }) {
          yield* streamMessage("", [bash])
          const { permissionDecision, permissionDecisionReason } = await hook(bash.id, bash.name, bash.input)
          expect([permissionDecision, permissionDecisionReason]).toEqual([
            "deny",
            "This call was refused, because its approval could not be checked.",
          ])
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"], needsApproval, callbackTimeoutMs: 20 },
    )
    await collect(runner, createRequest())
  })

  it("is refused if its input is invalid, before a person is asked", async () => {
    const { tool: own } = payTool({
      needsApproval: true,
      validate: async () => ({ valid: false, message: "amount is missing" }),
    })
    const { runner } = await createRunner(
      [
        async function* ({ hook }) {
          yield* streamMessage("", [pay])
          expect((await hook(pay.id, pay.name, {})).permissionDecisionReason).toBe("amount is missing")
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    expect(outline(await collect(runner, createRequest()))).toEqual(["usage", "call pay"])
  })
})

describe("a tool of the gateway", () => {
  async function resultOf(own: Tool, options: Partial<ClaudeAgentOptions> = {}) {
    const { runner } = await createRunner(
      [
        async function* ({ hook, call }) {
          yield* streamMessage("", [pay])
          await hook(pay.id, pay.name, pay.input)
          await call(pay.id, "pay", pay.input)
          yield createQueryResult()
        },
      ],
      { tools: [own], ...options },
    )
    const [event] = selectResults(await collect(runner, createRequest()))
    return event?.result
  }

  it("returns an error result if it throws, hangs or returns a wait", async () => {
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

  it("truncates a large result", async () => {
    const { tool: own } = payTool()
    const execute = async () => ({ type: "json", value: "x".repeat(3_000_000) }) as const
    expect(JSON.stringify(await resultOf({ ...own, execute })).length).toBeLessThan(1_001_000)
  })

  it("receives the session, the user and the call", async () => {
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
