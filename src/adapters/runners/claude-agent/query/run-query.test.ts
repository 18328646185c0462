import { describe, expect, it } from "vitest"
import {
  bash,
  createDeferred,
  createRunner,
  pay,
  payTool,
  selectResults,
} from "../../fixtures/claude-runner.ts"
import { collect, createDecidedRequest, createRequest, outline } from "../../fixtures/runner-calls.ts"
import { createQueryResult, createToolResult, streamMessage } from "../../fixtures/scripted-claude.ts"
import { computeUuid } from "../process/session-folder.ts"

describe("an agent of the Claude Agent SDK", () => {
  it("reports its text, calls, results and usage", async () => {
    const { tool: own, execute } = payTool()
    const { runner } = await createRunner(
      [
        async function* (claude) {
          expect(await claude.heard()).toBe("Go.")
          yield* streamMessage("I pay.", [pay])
          const { permissionDecision, updatedInput } = await claude.hook(pay.id, pay.name, pay.input)
          expect({ permissionDecision, updatedInput }).toEqual({
            permissionDecision: "allow",
            updatedInput: { amount: 9 },
          })
          const { content } = await claude.call(pay.id, "pay", { amount: 9 })
          expect(content).toEqual([{ type: "text", text: '{"paid":{"amount":9}}' }])
          yield createToolResult(pay.id, "as the model saw it")
          yield* streamMessage("Paid.")
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["I pay.", "usage", "call pay", "toolResult", "Paid.", "usage"])
    expect(selectResults(events)).toEqual([
      { type: "toolResult", id: "toolu_1", result: { type: "json", value: { paid: { amount: 9 } } } },
    ])
    expect(events.at(-1)).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3 },
      model: "claude-test",
      priceList: "anthropic",
    })
    expect(execute).toHaveBeenCalledOnce()
  })

  it("executes no call before it is durable, and gives the model no result before that is durable", async () => {
    const steps: string[] = []
    const { tool: own } = payTool()
    const { runner } = await createRunner(
      [
        async function* (claude) {
          yield* streamMessage("", [pay])
          await claude.hook(pay.id, pay.name, pay.input)
          steps.push("allowed")
          await claude.call(pay.id, "pay", { amount: 9 })
          steps.push("received")
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    for await (const { type } of runner(createRequest())) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      if (type !== "usage") steps.push(type)
    }
    expect(steps).toEqual(["toolCall", "allowed", "toolResult", "received"])
  })

  it("parks for a call that a person must allow, and executes it with edited arguments", async () => {
    const { tool: own, execute } = payTool({ needsApproval: true })
    const { runner, queries, writeTranscript } = await createRunner(
      [
        async function* (claude) {
          yield* streamMessage("I pay.", [pay])
          expect(await claude.hook(pay.id, pay.name, pay.input)).toMatchObject({
            permissionDecision: "defer",
          })
          yield createDeferred(pay.id)
        },
        async function* (claude) {
          // The gateway's tools are connected after the first attempt.
          yield createQueryResult({ terminal_reason: "tool_deferred_unavailable", is_error: true })
          expect(await claude.heard()).toBe("The approval was decided. Continue.")
          const decision = await claude.hook(pay.id, pay.name, pay.input)
          expect(decision).toMatchObject({ permissionDecision: "allow", updatedInput: { amount: 1 } })
          await claude.call(pay.id, "pay", { amount: 1 })
          yield createToolResult(pay.id, "paid")
          yield* streamMessage("Done.")
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["I pay.", "usage", "state", "ask pay"])
    expect(execute).not.toHaveBeenCalled()
    await writeTranscript()
    const request = createDecidedRequest(events, [{ id: pay.id, editedInput: { amount: 1 } }])
    expect(outline(await collect(runner, request))).toEqual(["toolResult", "Done.", "usage"])
    expect(execute.mock.calls.map(([input]) => input)).toEqual([{ amount: 1 }])
    expect(queries.map(({ sessionId, resume }) => ({ sessionId, resume }))).toEqual([
      { sessionId: computeUuid("session", "sess_1"), resume: undefined },
      { sessionId: undefined, resume: computeUuid("session", "sess_1") },
    ])
  })

  it("tells the model why a call was denied, through the hook and through canUseTool", async () => {
    const { runner, writeTranscript } = await createRunner(
      [
        async function* ({ hook, options }) {
          const decision = await hook(bash.id, bash.name, bash.input)
          expect(decision.permissionDecisionReason).toBe("This call was denied: not today")
          expect(await options.canUseTool(bash.name, bash.input, { toolUseID: bash.id })).toEqual({
            behavior: "deny",
            message: "This call was denied: not today",
          })
          yield createToolResult(bash.id, "hook error", true)
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    await writeTranscript()
    const state = { type: "state", state: { asked: bash } } as const
    const request = createDecidedRequest([state], [{ id: bash.id, approved: false, reason: "not today" }])
    expect(selectResults(await collect(runner, request))).toMatchObject([{ result: { code: "denied" } }])
  })

  it("does not repeat a call that was allowed before a crash", async () => {
    const { runner, writeTranscript } = await createRunner(
      [
        async function* ({ hook }) {
          const decision = await hook(bash.id, bash.name, bash.input)
          expect(decision).toMatchObject({ permissionDecision: "deny" })
          expect(decision.permissionDecisionReason).toContain("may or may not have taken effect")
          yield createToolResult(bash.id, "hook error", true)
          yield* streamMessage("I look.")
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    await writeTranscript()
    const events = await collect(runner, createRequest({ reason: "resume", state: { asked: { ...bash } } }))
    expect(outline(events)).toEqual(["I look.", "usage"])
  })

  it("reports a result that arrives before the end of the message after its call", async () => {
    const { runner } = await createRunner([
      async function* () {
        for await (const message of streamMessage("", [bash])) {
          yield message
          if ((message as { readonly type: string }).type === "assistant") {
            yield createToolResult(bash.id, "No such tool available: Bash", true)
          }
        }
        yield createQueryResult()
      },
    ])
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["usage", "call Bash", "toolResult"])
    expect(selectResults(events)).toMatchObject([{ result: { message: "No such tool available: Bash" } }])
  })

  it("refuses calls of one message together if a person must allow one of them", async () => {
    const second = { ...pay, id: "toolu_9" }
    const { tool: own, execute } = payTool({ needsApproval: true })
    const { runner } = await createRunner(
      [
        async function* (claude) {
          yield* streamMessage("", [pay, second])
          for (const { id } of [pay, second]) {
            const { permissionDecisionReason } = await claude.hook(id, pay.name, pay.input)
            expect(permissionDecisionReason).toContain("as the only call of your message")
            yield createToolResult(id, "hook error", true)
          }
          yield createQueryResult()
        },
      ],
      { tools: [own] },
    )
    const events = await collect(runner, createRequest())
    expect(outline(events)).toEqual(["usage", "call pay", "call pay", "toolResult", "toolResult"])
    expect(execute).not.toHaveBeenCalled()
  })

  it("lets a sub-agent of Claude Code execute no call that a person must allow", async () => {
    const { runner } = await createRunner(
      [
        async function* ({ hook }) {
          const message = { id: "msg_nested", model: "m", content: [{ type: "tool_use", ...bash }] }
          yield { type: "assistant", parent_tool_use_id: "toolu_parent", message }
          const { permissionDecisionReason } = await hook(bash.id, bash.name, bash.input)
          expect(permissionDecisionReason).toContain("a sub-agent cannot ask")
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"] },
    )
    expect(outline(await collect(runner, createRequest()))).toEqual(["call Bash"])
  })

  it("keeps the limits of a run across its approvals", async () => {
    const spending = {
      model_usage_since_last_result: { m: { inputTokens: 7, outputTokens: 3, costUSD: 0.3 } },
    }
    const { runner, queries, writeTranscript } = await createRunner(
      [
        async function* ({ hook }) {
          yield* streamMessage("", [bash])
          await hook(bash.id, bash.name, bash.input)
          yield { ...createDeferred(bash.id), ...spending }
        },
        async function* ({ hook }) {
          await hook(bash.id, bash.name, bash.input)
          yield createQueryResult()
        },
      ],
      { builtInTools: ["Bash"], maxTurns: 5, maxBudgetUsd: 1 },
    )
    const events = await collect(runner, createRequest())
    await writeTranscript()
    await collect(runner, createDecidedRequest(events, [{ id: bash.id }]))
    expect(queries.map(({ maxTurns, maxBudgetUsd }) => [maxTurns, maxBudgetUsd])).toEqual([
      [5, 1],
      [4, 0.7],
    ])
    const over = createDecidedRequest(
      [{ type: "state", state: { asked: bash, turns: 5, costUsd: 0 } }],
      [{ id: bash.id }],
    )
    await expect(collect(runner, over)).rejects.toThrow("The agent failed: error_max_turns.")
  })

  it("counts tokens that no message reported", async () => {
    const totals = {
      main: { inputTokens: 7, outputTokens: 3 },
      small: { inputTokens: 100, outputTokens: 20 },
    }
    const { runner } = await createRunner([
      async function* () {
        yield* streamMessage("Hi.")
        yield createQueryResult({ model_usage_since_last_result: totals })
      },
    ])
    const events = await collect(runner, createRequest())
    expect(events.at(-1)).toMatchObject({ model: "small", usage: { inputTokens: 100, outputTokens: 20 } })
  })
})
