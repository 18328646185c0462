import { beforeAll, describe, expect, test } from "vitest"
import { createChatEvents } from "../../src/testing/provider/openai-chat-wire.ts"
import { createResponsesEvents } from "../../src/testing/provider/openai-responses-wire.ts"
import type { UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { assemble, types } from "./support/assemble.ts"
import { type GatewayProcess, startGateway } from "./support/gateway-process.ts"
import { says, silent, startModel } from "./support/model.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"
import { type Refusal, type Wire, wires } from "./support/wires.ts"

// These tests mostly wait for retries, so they run concurrently.
const onEnd = atEndOfFile()
const wireOf = new Map(wires.map((wire) => [wire.provider, wire]))

/** Much more time than a busy machine takes for a response. A call that is silent for so long is retried. */
const stallSeconds = 12

const gateways = new Map<Wire["provider"], GatewayProcess>()
/** The remaining responses of each test, by the message of its client. */
const scripts = new Map<string, UpstreamReply[]>()
const calls = new Map<string, number>()

beforeAll(async () => {
  const model = await startModel(({ body }) => {
    const said = saidIn(body)
    calls.set(said, (calls.get(said) ?? 0) + 1)
    const reply = scripts.get(said)?.shift()
    if (reply === undefined) throw new Error(`There is no answer left to ${said}.`)
    return reply
  }, onEnd)
  const fallback = await startModel(({ body }) => says("The fallback ", "knows: ", saidIn(body)), onEnd)
  await Promise.all(
    wires.map(async ({ provider, env }) => {
      const options = { agent: "faulty-models-agent.ts", folder: await temporaryFolder(onEnd), onEnd }
      const settings = { PROVIDER: provider, FALLBACK_URL: fallback.url, STALL_SECONDS: String(stallSeconds) }
      gateways.set(provider, await startGateway({ ...options, env: { ...settings, ...env(model.url) } }))
    }),
  )
})

function saidIn(body: unknown): string {
  return /Test \d+ of [\w-]+/.exec(JSON.stringify(body))?.[0] ?? ""
}

/**
 * Resolves to the events that a client receives if the provider responds with this script, one reply for each call.
 */
async function told(provider: Wire["provider"], script: readonly UpstreamReply[]) {
  const said = `Test ${scripts.size + 1} of ${provider}`
  scripts.set(said, [...script])
  const session = await startSession(gateways.get(provider)?.url ?? "")
  const frames = await (await session.chat(said)).rest()
  // A viewer that subscribes later receives the same events, and the history agrees.
  expect(await (await session.subscribe({ afterSeq: 0 })).rest()).toEqual(frames)
  const { text, terminal } = assemble(frames)
  const { messages, usage } = await session.history()
  const kept = messages
    .filter(({ role }) => role === "assistant")
    .flatMap(({ content }) => content.map((block) => (block.type === "text" ? block.text : "")))
    .join("")
  expect(JSON.stringify(frames)).not.toContain("secret-of-the-service")
  return { said, frames, text, kept, terminal, usage, modelCalls: calls.get(said) }
}

const completed = { type: "stream_complete", terminal_disposition: "completed" }

describe.concurrent.each(wires.map(({ provider }) => provider))("%s:", (provider) => {
  const wire = wireOf.get(provider) as Wire
  const good: UpstreamReply = { steps: wire.text(["Whole ", "answer."]) }
  const begun = wire.text(["The first ", "answer ", "was"]).slice(0, wire.before + 2)

  test.each<[string, readonly UpstreamReply[], number]>([
    ["429 with retry-after", [wire.refuse(429, "busy", { "retry-after": "1" })], 1],
    ["500", [wire.refuse(500, "failed")], 1],
    ["529, then 503", [wire.refuse(529, "failed"), wire.refuse(503, "failed")], 2],
    ["a connection that drops before the answer", [{ steps: [{ type: "cut" }] }], 1],
    ["a connection that drops in the middle", [{ steps: [...begun, { type: "cut" }] }], 1],
    ["a stream that ends in the middle", [{ steps: begun }], 1],
    [
      "a stream that stalls in the middle",
      [{ steps: [...begun, { type: "wait", until: new Promise(() => {}) }] }],
      1,
    ],
  ])("%s is retried, announced, and leaves no trace in the text", async (_, faults, retries) => {
    const { frames, text, kept, terminal, modelCalls } = await told(provider, [...faults, good])
    expect(frames.filter(({ event }) => event.type === "stream_retry")).toHaveLength(retries)
    expect({ text, kept, modelCalls }).toEqual({
      text: "Whole answer.",
      kept: "Whole answer.",
      modelCalls: retries + 1,
    })
    expect(terminal).toMatchObject(completed)
  })

  test("a silent model server of the operator is not called again: the fallback takes over", async () => {
    const { frames, text, terminal, modelCalls } = await told(provider, [silent])
    const retries = frames.filter(({ event }) => event.type === "stream_retry")
    expect(retries).toHaveLength(1)
    expect(JSON.stringify(retries)).toContain("did not start its response in time")
    expect(text).toMatch(/^The fallback knows/)
    expect(terminal).toMatchObject(completed)
    expect(modelCalls).toBe(1)
  })

  test("429 is retried after the requested delay", async () => {
    const before = performance.now()
    await told(provider, [wire.refuse(429, "busy", { "retry-after": "2" }), good])
    expect(performance.now() - before).toBeGreaterThan(1_990)
  })

  test.each<[number, Refusal, string]>([
    [401, "key", "authentication_failed"],
    [400, "request", "invalid_request"],
    [400, "contextFull", "context_too_long"],
  ])("%i (%s) ends the run at once as %s, and no fallback is called", async (status, refusal, code) => {
    const { text, kept, terminal, modelCalls, frames, usage } = await told(provider, [
      wire.refuse(status, refusal),
    ])
    expect(terminal).toMatchObject({ type: "error", code })
    expect({ text, kept, modelCalls, frames: frames.length }).toEqual({
      text: "",
      kept: "",
      modelCalls: 1,
      frames: 1,
    })
    expect(usage).toMatchObject({ input_tokens: 0, output_tokens: 0, estimated_cost: 0 })
  })

  test("a call with truncated arguments is executed once, when it is complete", async () => {
    const whole = wire.call("call_a", "look", ["{", "}"])
    const { frames, text, terminal } = await told(provider, [
      { steps: [...whole.slice(0, wire.before + 1), { type: "cut" }] },
      { steps: whole },
      good,
    ])
    expect(types(frames)).toEqual([
      "stream_retry",
      "tool_call_start",
      "tool_call_complete",
      "turn_complete",
      "text_delta",
      "text_delta",
      "turn_complete",
      "stream_complete",
    ])
    expect({ text, terminal }).toMatchObject({ text: "Whole answer.", terminal: completed })
  })

  test("after three retries the fallback responds, and no truncated text is left", async () => {
    const cut: UpstreamReply = { steps: [...begun, { type: "cut" }] }
    const { said, frames, text, kept, terminal, modelCalls, usage } = await told(provider, Array(4).fill(cut))
    expect(frames.filter(({ event }) => event.type === "stream_retry")).toHaveLength(4)
    const answer = `The fallback knows: ${said}`
    expect({ text, kept, modelCalls }).toEqual({ text: answer, kept: answer, modelCalls: 4 })
    expect(terminal).toMatchObject(completed)
    // The four interrupted calls have a cost, too.
    expect(usage.input_tokens).toBeGreaterThan(40)
    expect(usage.estimated_cost).toBeGreaterThan(0)
  })
})

test.each<[Wire["provider"], readonly string[]]>([
  ["openai", createResponsesEvents([{ type: "text", text: "Well" }], { incomplete: "content_filter" })],
  ["openai-chat", createChatEvents([{ type: "text", text: "Well" }], { finishReason: "content_filter" })],
])(
  "%s: a response that the content filter withholds ends the run as content_filtered",
  async (provider, steps) => {
    const { terminal, modelCalls } = await told(provider, [{ steps }])
    expect(terminal).toMatchObject({ type: "error", code: "content_filtered" })
    expect(modelCalls).toBe(1)
  },
)
