import { setImmediate, setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import type { ModelEvent, Provider } from "../../../core/ports/model/provider.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import type { ModelRuntime } from "../agent-runtime.ts"
import { createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

type Limits = Partial<Omit<ModelRuntime, "type">>
type Play = () => AsyncGenerator<ModelEvent, void, undefined>

const ping: ModelEvent = { type: "progress" }
const hello: ModelEvent = { type: "textDelta", part: 0, text: "Hello" }
const end: ModelEvent = {
  type: "end",
  content: [{ type: "text", text: "Hello" }],
  stopReason: "end",
  model: "m",
  usage: null,
}

/** Plays one response for each call. All further calls repeat the last one. */
function provider(traits: Partial<Provider>, ...plays: readonly Play[]): Provider & { calls: number } {
  return {
    name: "played",
    defaultModel: "m",
    calls: 0,
    ...traits,
    stream() {
      return (plays[this.calls++] ?? plays.at(-1) ?? answer)()
    },
  }
}

async function* answer() {
  yield hello
  yield end
}

async function* silence(): AsyncGenerator<ModelEvent, void, undefined> {
  await new Promise(() => {})
}

/** Yields the event every millisecond without end. */
function repeating(event: ModelEvent, ...first: readonly ModelEvent[]): Play {
  return async function* () {
    yield* first
    for (;;) {
      yield event
      await sleep(1)
    }
  }
}

async function runTo(played: Provider, limits: Limits) {
  const run = createMemoryRun(played, limits)
  await runLoop(run.context)
  return run.events.at(-1)
}

describe("a response that has started", () => {
  it.each<[string, ModelEvent]>([
    ["pings", ping],
    ["pings with a count", { type: "progress", hiddenBytes: 4 }],
    ["empty deltas", { ...hello, text: "" } as ModelEvent],
  ])("counts as stalled when only %s come", async (_, event) => {
    const started: readonly ModelEvent[] = [hello, { type: "progress", hiddenBytes: 4 }]
    const played = provider({}, repeating(event, ...started), answer)
    const limits = { stallTimeoutSeconds: 0.04, maxRetries: 1 }
    expect(await runTo(played, limits)).toMatchObject({ type: "runCompleted", disposition: "completed" })
    expect(played.calls).toBe(2)
  })

  it.each<[string, (turn: number) => ModelEvent]>([
    ["text", () => hello],
    ["thinking", () => ({ type: "thinkingDelta", part: 0, text: "Hm." })],
    ["pieces of a call's input", (turn) => ({ type: "progress", hiddenBytes: turn + 1 })],
    ["what has no text to show", () => ({ type: "progress", advanced: true })],
  ])("continues as long as %s arrive", async (_, event) => {
    const played = provider({}, async function* () {
      for (let turn = 0; turn < 10; turn++) {
        yield event(turn)
        await sleep(40)
      }
      yield end
    })
    expect(await runTo(played, { stallTimeoutSeconds: 0.3 })).toMatchObject({ type: "runCompleted" })
    expect(played.calls).toBe(1)
  })

  it("counts as stalled after very many events without content, however fast they arrive", async () => {
    const played = provider({}, async function* () {
      for (;;) {
        for (let event = 0; event < 100; event++) yield ping
        await setImmediate()
      }
    })
    expect(await runTo(played, { maxRetries: 0 })).toMatchObject({
      type: "runFailed",
      code: "upstream_stalled",
    })
  })
})

describe("the first token", () => {
  it("may take longer than the stall limit", async () => {
    const played = provider({}, async function* () {
      await sleep(120)
      yield* answer()
    })
    expect(await runTo(played, { stallTimeoutSeconds: 0.03 })).toMatchObject({ disposition: "completed" })
    expect(played.calls).toBe(1)
  })

  it.each<[string, Partial<Provider>, Limits]>([
    ["the agent's", {}, { firstTokenTimeoutSeconds: 0.03 }],
    ["the provider's", { firstTokenTimeoutMs: 30 }, {}],
    ["the smaller one, the agent's", { firstTokenTimeoutMs: 600_000 }, { firstTokenTimeoutSeconds: 0.03 }],
    ["the smaller one, the provider's", { firstTokenTimeoutMs: 30 }, { firstTokenTimeoutSeconds: 600 }],
  ])("has a limit: %s", async (_, traits, limits) => {
    const played = provider(traits, repeating(ping))
    expect(await runTo(played, limits)).toMatchObject({ type: "runFailed", code: "upstream_timeout" })
  })

  it("is awaited a second time at a hosted provider, and not a third time", async () => {
    const played = provider({}, silence)
    await runTo(played, { firstTokenTimeoutSeconds: 0.02, maxRetries: 3 })
    expect(played.calls).toBe(2)
  })

  it("is awaited once at a model server of the operator, and then the fallback is called", async () => {
    const played = provider({ selfHosted: true }, silence)
    const fallback = scriptedProvider([[{ type: "text", text: "Hello" }]])
    const models = [
      { provider: played, model: "m" },
      { provider: fallback, model: "n" },
    ] as const
    const limits = { firstTokenTimeoutSeconds: 0.02, maxRetries: 3, models }
    expect(await runTo(played, limits)).toMatchObject({ type: "runCompleted" })
    expect([played.calls, fallback.requests.length]).toEqual([1, 1])
  })
})
