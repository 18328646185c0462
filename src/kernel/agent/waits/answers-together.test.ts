import { describe, expect, it, vi } from "vitest"
import type { Gate, Verdict } from "../../../core/ports/tools/gate.ts"
import type { Tool, ToolResult } from "../../../core/ports/tools/tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const call = (name: string) => ({ type: "toolCall", name, input: {} }) as const
const types = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type)
const ask: Verdict = { action: "ask", qualifier: null, code: null, reason: null, decisions: [] }

/** Asks a person about each call of `pay`. */
const gate: Gate = {
  decide: async ({ tool, approved }) =>
    tool.name === "pay" && !approved ? ask : { ...ask, action: "execute" },
}

function approval(toolCallId: string, approved: boolean) {
  const answer = { approved, editedInput: null, reason: null, grant: false }
  return { kind: "approval", toolCallId, answer } as const
}

/** Returns a run whose model makes these calls and then responds. */
function runWith(
  calls: readonly ReturnType<typeof call>[],
  options: Parameters<typeof createMemoryRun>[1] & { readonly tools: readonly Tool[] },
): MemoryRun {
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool" ? [{ type: "text", text: "Done" }] : calls,
  )
  return createMemoryRun(provider, { gate, ...options })
}

const resultsOf = (run: MemoryRun) => run.events.filter((event) => event.type === "toolCallCompleted")

describe("answers that arrived together", () => {
  const json = (value: string) => ({ result: { type: "json", value } }) as const
  const where = createAnyTool("where", () => Promise.reject(new Error("executed here")), {
    executionLocation: "client",
  })
  const pay = createAnyTool("pay", () => ({ type: "json", value: 1 }))
  const logged = (run: MemoryRun) => run.commits.map(types).filter((each) => each.includes("waitResolved"))

  it("are logged in one commit, whatever their kinds are", async () => {
    const calls = [call("pay"), call("where"), call("pay"), call("where")]
    const transformed: string[] = []
    const transform = async (result: ToolResult, { toolCallId }: { readonly toolCallId: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      transformed.push(toolCallId)
      return result
    }
    const run = runWith(calls, { tools: [pay, where], transformToolResults: [transform] })
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    const [first, second, third, fourth] = run.waits.map(({ toolCallId }) => toolCallId)
    run.answer(approval(`${first}`, true))
    run.answer({ kind: "clientTool", toolCallId: `${second}`, answer: json("Paris") })
    run.answer(approval(`${third}`, false))
    run.answer({ kind: "clientTool", toolCallId: `${fourth}`, answer: json("Rome") })
    await expect(runLoop(run.context)).resolves.toBeNull()
    const resolved = ["waitResolved", "waitResolved", "toolCallCompleted"]
    expect(logged(run)).toEqual([[...resolved, ...resolved]])
    expect(resultsOf(run)).toHaveLength(4)
    // The result of the call that ran here is transformed after those of the client.
    expect(transformed).toEqual([second, fourth, first])
  })

  it("are logged in one commit with the answer to a question of a call that executes", async () => {
    const asking = createAnyTool("asking", async (_, { ask: question }) => {
      const { action } = await question({ mode: "form", message: "Who?", schema: { type: "object" } })
      return { type: "json", value: action }
    })
    const run = runWith([call("asking"), call("where")], { tools: [asking, where] })
    const running = runLoop(run.context)
    await vi.waitFor(() => expect(run.waits).toHaveLength(2))
    const [asked, opened] = ["elicitation", "clientTool"].map((kind) =>
      run.waits.find((wait) => wait.kind === kind),
    )
    run.answer({
      kind: "elicitation",
      toolCallId: `${asked?.toolCallId}`,
      answer: { action: "decline", content: null },
    })
    run.answer({ kind: "clientTool", toolCallId: `${opened?.toolCallId}`, answer: json("Paris") })
    await expect(running).resolves.toBeNull()
    expect(logged(run)).toEqual([["waitResolved", "waitResolved", "toolCallCompleted"]])
    expect(resultsOf(run)).toMatchObject([
      { name: "where" },
      { name: "asking", result: { value: "decline" } },
    ])
  })

  it("are logged once, although all of them expire meanwhile", async () => {
    const run = runWith([call("pay"), call("pay")], { tools: [pay] })
    await runLoop(run.context)
    for (const { toolCallId } of run.waits) run.answer(approval(toolCallId, true))
    run.clock.now = 60_000
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(logged(run)).toEqual([["waitResolved", "waitResolved"]])
    expect(resultsOf(run)).toMatchObject([{ result: { value: 1 } }, { result: { value: 1 } }])
  })
})
