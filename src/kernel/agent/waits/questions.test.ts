import { afterEach, describe, expect, it, vi } from "vitest"
import { CallInterruptedError, RunCancelledError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import type { ReturnedWait, Tool, ToolContext, ToolOutcome } from "../../../core/ports/tools/tool.ts"
import type { Question, QuestionAnswer } from "../../../core/question.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"
import { settleCancelled } from "../settle-cancelled.ts"

const form = (message: string): Question => ({ mode: "form", message, schema: { type: "object" } })
const page = (url: string): Question => ({ mode: "url", message: "Sign in.", url, elicitationId: null })
const required = (question: Question, continuation = {}): ReturnedWait => {
  return { type: "wait", kind: "elicitation", question, continuation }
}
const json = (value: object) => ({ type: "json", value: value as JsonObject }) as const
const types = (run: MemoryRun) => run.events.map(({ type }) => type)
const all = <Type extends MemoryRun["events"][number]["type"]>(run: MemoryRun, type: Type) =>
  run.events.filter((event): event is Extract<EventEntry["event"], { type: Type }> => event.type === type)

/** Returns the answers of the user as the run logged them. */
const resolutions = (run: MemoryRun) =>
  all(run, "waitResolved").flatMap((event) =>
    event.kind === "elicitation" ? [{ ...event.resolution, decidedBy: event.decidedBy }] : [],
  )

/** Returns a run whose model calls `book` this many times at once and then responds. */
function runOf(
  execute: (input: object, context: ToolContext) => ToolOutcome | Promise<ToolOutcome>,
  options: Partial<Tool> & { readonly calls?: number; readonly approvalTimeoutSeconds?: number } = {},
): MemoryRun {
  const { calls = 1, approvalTimeoutSeconds = 60, ...tool } = options
  const books = Array.from(
    { length: calls },
    (_, n) => ({ type: "toolCall", name: "book", input: { n } }) as const,
  )
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool" ? [{ type: "text", text: "Done" }] : books,
  )
  return createMemoryRun(provider, { tools: [createAnyTool("book", execute, tool)], approvalTimeoutSeconds })
}

function answer(run: MemoryRun, toolCallId: string, given: Partial<QuestionAnswer> = {}): void {
  run.answer({ kind: "elicitation", toolCallId, answer: { action: "accept", content: null, ...given } })
}

describe("a tool that requires input", () => {
  /** Asks for a name, and then returns the name. */
  const asking = (input: object, { answered }: ToolContext): ToolOutcome =>
    answered === null ? required(form("Who?"), { step: 1 }) : json({ input, answered })

  it("opens a durable wait, and nothing runs until the answer arrives", async () => {
    const run = runOf(asking, { origin: createOrigin("hotel") })
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(types(run).slice(-2)).toEqual(["toolCallStarted", "waitOpened"])
    expect(run.events.at(-1)).toMatchObject({
      kind: "elicitation",
      toolName: "book",
      payload: { server: "hotel", question: form("Who?") },
      continuation: { step: 1 },
      expiresAt: 60_000,
    })
    const [wait] = run.waits
    expect(wait).toMatchObject({
      kind: "elicitation",
      payload: { question: form("Who?") },
      origin: createOrigin("hotel"),
    })
    expect(JSON.stringify(wait)).not.toContain("step")
  })

  it("is executed again with the answer and its continuation, by a process that knows it only from the log", async () => {
    const first = runOf(asking)
    await runLoop(first.context)
    const run = first.restart()
    answer(run, "call_3", { content: { name: "Ada" } })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "toolCallCompleted")).toMatchObject([
      {
        result: json({
          input: { n: 0 },
          answered: {
            kind: "elicitation",
            continuation: { step: 1 },
            action: "accept",
            content: { name: "Ada" },
          },
        }),
      },
    ])
    expect(resolutions(run)).toMatchObject([{ action: "accept", decidedBy: { userId: "alice" } }])
  })

  it("learns that its question expired", async () => {
    const run = runOf(asking)
    await runLoop(run.context)
    run.clock.now = 60_000
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(resolutions(run)).toMatchObject([{ action: "cancel", decidedBy: null }])
    expect(all(run, "toolCallCompleted")).toMatchObject([
      { result: { value: { answered: { action: "cancel" } } } },
    ])
  })

  it("may ask several times, each time with its own wait", async () => {
    const run = runOf((_, { answered }) => {
      const given = answered?.kind === "elicitation" ? answered.content?.name : undefined
      const names = [...((answered?.continuation.names as string[]) ?? []), String(given)]
      return names.length < 3 ? required(form("Next?"), { names }) : json(names)
    })
    for (const name of ["Ada", "Grace"]) {
      await expect(runLoop(run.context)).resolves.toBe(60_000)
      answer(run, "call_3", { content: { name } })
    }
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: json(["undefined", "Ada", "Grace"]) }])
    expect(new Set(run.waits.map(({ nonce }) => nonce)).size).toBe(2)
  })

  it("is stopped when it asks too many questions", async () => {
    const run = runOf(() => required(form("Again?")))
    for (let round = 0; round < 10; round++) {
      await expect(runLoop(run.context)).resolves.toBe(60_000)
      answer(run, "call_3")
    }
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(run.waits).toHaveLength(10)
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code: "input_rounds_exceeded" } }])
  })

  it("does not delay the other calls of its message, whose questions are answered in any order", async () => {
    const run = runOf(asking, { calls: 3 })
    await runLoop(run.context)
    expect(run.waits).toHaveLength(3)
    answer(run, "call_5")
    await expect(runLoop(run.context)).resolves.toBe(60_000)
    expect(all(run, "toolCallCompleted").map(({ toolCallId }) => toolCallId)).toEqual(["call_5"])
    answer(run, "call_3")
    answer(run, "call_4", { action: "decline" })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(all(run, "toolCallCompleted")).toHaveLength(3)
  })

  it("may have had an effect when the run is cancelled meanwhile", async () => {
    const run = runOf(asking)
    await runLoop(run.context)
    run.cancel()
    await settleCancelled(run.context)
    expect(all(run, "toolCallInterrupted")).toMatchObject([{ reason: "cancelled", outcome: "unknown" }])
  })

  it("is not executed again with the same answer after a crash, unless it may be repeated", async () => {
    const crashed = async (options: Partial<Tool>) => {
      const run = runOf(asking, options)
      await runLoop(run.context)
      const resolution = { action: "accept", content: null } as const
      const resolved = { kind: "elicitation", resolution, decidedBy: null } as const
      run.recall(
        { type: "waitResolved", waitId: "wait_5", toolCallId: "call_3", ...resolved },
        { type: "toolCallStarted", toolCallId: "call_3" },
      )
      const next = run.restart()
      await runLoop(next.context)
      return next
    }
    expect(all(await crashed({}), "toolCallInterrupted")).toMatchObject([
      { reason: "crashed", outcome: "unknown" },
    ])
    const repeated = await crashed({ idempotent: true })
    expect(all(repeated, "waitOpened")).toHaveLength(1)
    expect(all(repeated, "toolCallCompleted")).toMatchObject([
      { result: { value: { answered: { continuation: { step: 1 } } } } },
    ])
  })

  it.each<[string, unknown]>([
    ["a form without a schema of an object", { mode: "form", message: "Who?", schema: { type: "string" } }],
    ["an address that is not of the web", page("javascript:alert(1)")],
    ["an address that is none", page("here")],
    ["no message", { mode: "form", schema: { type: "object" } }],
    ["neither", { mode: "video", message: "Look." }],
    ["more than a client should be sent", form("x".repeat(1_000_001))],
  ])("fails when its question is %s", async (_, question) => {
    const run = runOf(() => required(question as Question))
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(run.waits).toEqual([])
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code: "invalid_question" } }])
  })
})

describe("a question from inside a call", () => {
  afterEach(() => void vi.useRealTimers())

  const asking = async (_: object, { ask }: ToolContext): Promise<ToolOutcome> => {
    return json({ ...(await ask(form("Who?"))) })
  }
  const asked = (run: MemoryRun, count = 1) => vi.waitFor(() => expect(run.waits).toHaveLength(count))

  it("is answered while the call runs", async () => {
    const run = runOf(asking)
    const running = runLoop(run.context)
    await asked(run)
    expect(run.events.at(-1)).toMatchObject({ type: "waitOpened", continuation: null })
    answer(run, "call_3", { content: { name: "Ada" } })
    await expect(running).resolves.toBeNull()
    expect(types(run)).not.toContain("toolCallInterrupted")
    expect(all(run, "toolCallStarted")).toHaveLength(1)
    expect(all(run, "toolCallCompleted")).toMatchObject([
      { result: json({ action: "accept", content: { name: "Ada" } }) },
    ])
  })

  it("does not count toward the tool's time limit, which continues afterwards", async () => {
    vi.useFakeTimers()
    const run = runOf(
      async (_, { ask, signal }) => {
        await ask(form("Who?"))
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        )
      },
      { timeoutMs: 1_000, approvalTimeoutSeconds: 1_000 },
    )
    const running = runLoop(run.context)
    await asked(run)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(all(run, "toolCallCompleted")).toEqual([])
    answer(run, "call_3")
    await vi.advanceTimersByTimeAsync(500)
    expect(all(run, "toolCallCompleted")).toEqual([])
    await vi.advanceTimersByTimeAsync(500)
    await running
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code: "timeout" } }])
  })

  it("is canceled when it expires", async () => {
    const run = runOf(asking, { approvalTimeoutSeconds: 0.005 })
    vi.spyOn(run.context.clock, "now").mockImplementation(() => performance.now())
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(resolutions(run)).toMatchObject([{ action: "cancel", decidedBy: null }])
    expect(all(run, "toolCallCompleted")).toMatchObject([
      { result: json({ action: "cancel", content: null }) },
    ])
  })

  it("is asked after the one before it, separately for each concurrent call", async () => {
    const run = runOf(
      async (_, { ask }) =>
        json((await Promise.all([ask(form("1")), ask(form("2"))])).map(({ action }) => action)),
      { calls: 2 },
    )
    const running = runLoop(run.context)
    await asked(run, 2)
    expect(run.waits.map(({ toolCallId }) => toolCallId)).toEqual(["call_3", "call_4"])
    answer(run, "call_3")
    await asked(run, 3)
    for (const toolCallId of ["call_3", "call_4"]) answer(run, toolCallId, { action: "decline" })
    await asked(run, 4)
    answer(run, "call_4")
    await running
    expect(all(run, "toolCallCompleted").map(({ result }) => result)).toEqual([
      json(["accept", "decline"]),
      json(["decline", "accept"]),
    ])
  })

  it("ends with a call that does not wait for it", async () => {
    let refusal: unknown
    const run = runOf(async (_, { ask }) => {
      ask(form("Who?")).catch((error: unknown) => {
        refusal = error
      })
      void ask(form("And who else?"))
      await asked(run)
      return json({})
    })
    await expect(runLoop(run.context)).resolves.toBeNull()
    const from = types(run).indexOf("waitOpened")
    expect(types(run).slice(from + 1, from + 3)).toEqual(["waitResolved", "toolCallCompleted"])
    expect(all(run, "waitOpened")).toHaveLength(1)
    expect(refusal).toMatchObject({ message: expect.stringContaining("ended") })
  })

  it("ends with the server that asked", async () => {
    const run = runOf(async (_, { ask }) => {
      void ask(form("Who?"))
      await asked(run)
      throw new CallInterruptedError("hotel")
    })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(resolutions(run)).toMatchObject([{ action: "cancel", decidedBy: null }])
    expect(all(run, "toolCallInterrupted")).toMatchObject([{ reason: "lost", outcome: "unknown" }])
  })

  it("is refused when it is nested too deeply", async () => {
    const nested = JSON.parse(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`)
    const run = runOf(async (_, { ask }) => {
      return json({
        ...(await ask({ mode: "form", message: "?", schema: { type: "object", default: nested } })),
      })
    })
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(run.waits).toEqual([])
    expect(all(run, "toolCallCompleted")).toMatchObject([{ result: { code: "invalid_question" } }])
  })

  it("ends when its run is canceled", async () => {
    const run = runOf(asking)
    const running = runLoop(run.context)
    await asked(run)
    run.cancel()
    await expect(running).rejects.toBeInstanceOf(RunCancelledError)
  })

  it("ends with its process: the wait is closed, and the call may have taken effect", async () => {
    const first = runOf(asking)
    void runLoop(first.context)
    await asked(first)
    const run = first.restart()
    const append = vi.spyOn(run.context.journal, "append")
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(append.mock.calls[0]).toMatchObject([
      [{ type: "waitResolved", resolution: { action: "cancel" }, decidedBy: null }],
      { expire: [first.waits[0]?.waitId] },
    ])
    expect(all(run, "toolCallInterrupted")).toMatchObject([{ reason: "crashed", outcome: "unknown" }])
  })

  it("ignores an answer that arrived after the crash, but logs it", async () => {
    const first = runOf(asking)
    void runLoop(first.context)
    await asked(first)
    const run = first.restart()
    answer(run, "call_3")
    vi.spyOn(run.context.answers, "take").mockReturnValueOnce(null)
    await expect(runLoop(run.context)).resolves.toBeNull()
    expect(resolutions(run)).toMatchObject([{ action: "accept" }])
    expect(types(run)).toContain("toolCallInterrupted")
  })

  it("is asked again by a call that may be repeated", async () => {
    const first = runOf(asking, { readOnly: true })
    void runLoop(first.context)
    await asked(first)
    const run = first.restart()
    const running = runLoop(run.context)
    await asked(run)
    answer(run, "call_3", { action: "decline" })
    await expect(running).resolves.toBeNull()
    expect(resolutions(run).map(({ action }) => action)).toEqual(["cancel", "decline"])
    expect(all(run, "toolCallCompleted")).toMatchObject([
      { result: json({ action: "decline", content: null }) },
    ])
  })
})
