import { describe, expect, it } from "vitest"
import type { ToolInputDelta } from "../../../core/log/deltas.ts"
import type { ModelEvent, ModelRequest, Provider } from "../../../core/ports/model/provider.ts"
import { createAnyTool, createMemoryRun, type MemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const piece = (part: number, text: string, name = "write"): ModelEvent => {
  return { type: "toolInputDelta", part, name, text }
}
const usage = { inputTokens: 1, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const end = (content: Extract<ModelEvent, { type: "end" }>["content"]): ModelEvent => {
  const stopReason = content.some(({ type }) => type === "toolCall") ? "toolCalls" : "end"
  return { type: "end", content, stopReason, model: "model", usage }
}
const call = (input: { readonly n: number }) => ({ type: "toolCall", name: "write", input }) as const
const done = [end([{ type: "text", text: "Done" }])]

function providerOf(turns: readonly (readonly ModelEvent[])[]) {
  const requests: ModelRequest[] = []
  const provider: Provider = {
    name: "pieces",
    defaultModel: "model",
    async *stream(request) {
      requests.push(request)
      yield* turns[requests.length - 1] ?? done
    },
  }
  return { provider, requests }
}

/** Returns a run that streams the arguments of calls. */
function runOf(
  turns: readonly (readonly ModelEvent[])[],
  options: Parameters<typeof createMemoryRun>[1] = {},
  toolInputDeltas = true,
) {
  const { provider, requests } = providerOf(turns)
  const tool = createAnyTool("write", () => ({ type: "json", value: null }))
  const run = createMemoryRun(provider, { tools: [tool], ...options })
  const { run: state } = run.context.conversation
  if (state !== null) Object.assign(state, { started: { ...state.started, toolInputDeltas } })
  return { run, requests }
}

const shown = ({ deltas }: MemoryRun) =>
  deltas.filter((delta): delta is ToolInputDelta => delta.type === "toolInput")
const requested = ({ events }: MemoryRun) => events.filter((event) => event.type === "toolCallRequested")

describe("the input of calls", () => {
  it("is shown piece by piece, under the ids that the calls have later", async () => {
    const text = { type: "text", text: "Writing." } as const
    const { run, requests } = runOf([
      [
        piece(1, '{"n"'),
        piece(1, ":1}"),
        piece(2, '{"n":2}'),
        end([text, call({ n: 1 }), call({ n: 2 }), call({ n: 3 })]),
      ],
    ])
    await runLoop(run.context)
    expect(requests[0]?.toolInputDeltas).toBe(true)
    const [first, second, third] = requested(run).map(({ toolCallId }) => toolCallId)
    const delta = { type: "toolInput", stepId: expect.any(String), toolName: "write" }
    expect(shown(run)).toEqual([
      { ...delta, toolCallId: first, text: '{"n"' },
      { ...delta, toolCallId: first, text: ":1}" },
      { ...delta, toolCallId: second, text: '{"n":2}' },
    ])
    expect(new Set([first, second, third]).size).toBe(3)
    expect(run.events.find((event) => event.type === "messageCompleted")).toMatchObject({
      streamedFrom: null,
      message: { content: [text, { toolCallId: first }, { toolCallId: second }, { toolCallId: third }] },
    })
  })

  it("of a failed attempt is discarded: the calls of the next attempt have other ids", async () => {
    const failure: ModelEvent = { type: "error", code: "upstream_cut", message: "Cut.", retryable: true }
    const { run } = runOf([
      [piece(0, '{"n":'), { ...failure, retryAfterMs: 0 }],
      [piece(0, '{"n":1}'), end([call({ n: 1 })])],
    ])
    await runLoop(run.context)
    const types = run.events.map(({ type }) => type)
    expect(types.indexOf("stepRetried")).toBeLessThan(types.indexOf("toolCallRequested"))
    const [discarded, kept] = shown(run)
    expect(discarded?.toolCallId).not.toBe(kept?.toolCallId)
    expect(run.events.find((event) => event.type === "stepRetried")?.opened).toEqual([
      { type: "toolInput", toolCallId: discarded?.toolCallId },
    ])
    expect(requested(run)).toMatchObject([{ toolCallId: kept?.toolCallId }])
  })

  it("counts toward the maximum length of a response", async () => {
    const { run } = runOf([[piece(0, "x".repeat(400_000)), end([call({ n: 1 })])]])
    await runLoop(run.context)
    expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "answer_too_long" })
    expect(shown(run)).toEqual([])
  })

  it.each<[string, Parameters<typeof runOf>[1], boolean]>([
    ["unless the run was started with it", {}, false],
    [
      "where secrets in tool calls are masked",
      { outputFilter: () => ({ push: (t) => t, end: () => "" }) },
      true,
    ],
  ])("is not requested for %s", async (_, options, asks) => {
    const { run, requests } = runOf([done], options, asks)
    await runLoop(run.context)
    expect(requests[0]).not.toHaveProperty("toolInputDeltas")
  })
})
