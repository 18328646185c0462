import { beforeAll, describe, expect, test } from "vitest"
import {
  anthropicErrorEvent,
  anthropicErrorReply,
  anthropicEvents,
} from "../../src/testing/provider/anthropic-wire.ts"
import type { UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { assemble, types } from "./support/assemble.ts"
import { type GatewayProcess, startGateway } from "./support/gateway-process.ts"
import { calls as callsTool, cutting, says, startModel } from "./support/model.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

// These tests mostly wait for retries, so they run concurrently.
const onEnd = atEndOfFile()

let gateway: GatewayProcess
/** The remaining responses of each test, by the message of its client. */
const scripts = new Map<string, UpstreamReply[]>()
const calls = new Map<string, number>()

beforeAll(async () => {
  const model = await startModel(({ body }) => {
    const said = /"Test \d+"/.exec(JSON.stringify(body))?.[0] ?? ""
    calls.set(said, (calls.get(said) ?? 0) + 1)
    const reply = scripts.get(said)?.shift()
    if (reply === undefined) throw new Error(`There is no answer left to ${said}.`)
    return reply
  }, onEnd)
  gateway = await startGateway({ folder: await temporaryFolder(onEnd), model, onEnd })
})

/**
 * Resolves to the events that a client receives if the provider responds with this script, one reply for each call.
 */
async function told(script: readonly UpstreamReply[]) {
  const message = `Test ${scripts.size + 1}`
  const said = JSON.stringify(message)
  scripts.set(said, [...script])
  const session = await startSession(gateway.url)
  const frames = await (await session.chat(message)).rest()
  // A viewer that subscribes later receives the same events.
  expect(await (await session.subscribe({ afterSeq: 0 })).rest()).toEqual(frames)
  const { text, terminal } = assemble(frames)
  return { frames, text, terminal, modelCalls: calls.get(said), session }
}

const completed = { type: "stream_complete", terminal_disposition: "completed" }
const page = "<!doctype html><title>Sign in</title><p>secret-of-the-proxy"
const html = (status: number): UpstreamReply => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  steps: [page],
})
const cutAtOnce: UpstreamReply = { steps: [{ type: "cut" }] }

describe.concurrent("when the provider fails:", () => {
  test("a web page instead of a response ends the run, and nothing of it is shown or retried", async () => {
    const { text, terminal, modelCalls, frames, session } = await told([html(200)])
    expect(terminal).toEqual({
      type: "error",
      code: "upstream_invalid",
      error: "The provider sent data that is not a response.",
    })
    expect({ text, modelCalls, frames: frames.length }).toEqual({ text: "", modelCalls: 1, frames: 1 })
    expect(JSON.stringify(await session.history())).not.toContain("secret-of-the-proxy")
  })

  test("a proxy's error page is retried", async () => {
    const { text, terminal, frames } = await told([html(502), says("Back.")])
    expect(types(frames)).toEqual(["stream_retry", "text_delta", "turn_complete", "stream_complete"])
    expect({ text, terminal }).toMatchObject({ text: "Back.", terminal: completed })
  })

  test("a response that is cut before its first token is requested again", async () => {
    const { text, terminal, frames } = await told([cutAtOnce, cutting([], 0), says("Whole ", "answer.")])
    expect(types(frames).slice(0, 2)).toEqual(["stream_retry", "stream_retry"])
    expect({ text, terminal }).toMatchObject({ text: "Whole answer.", terminal: completed })
  })

  test("a response that is cut in the middle is discarded, and only the next one is kept", async () => {
    const { text, terminal, frames } = await told([
      cutting(["The first ", "answer ", "was"], 2),
      says("The second ", "answer."),
    ])
    expect(types(frames)).toEqual([
      "text_delta",
      "text_delta",
      "stream_retry",
      "text_delta",
      "text_delta",
      "turn_complete",
      "stream_complete",
    ])
    expect({ text, terminal }).toMatchObject({ text: "The second answer.", terminal: completed })
  })

  test("a response that is cut every time fails the run after three retries", async () => {
    const { text, terminal, modelCalls, frames, session } = await told(
      Array(9).fill(cutting(["abc", "def"], 1)),
    )
    expect(terminal).toMatchObject({ type: "error", code: "upstream_cut" })
    expect(types(frames).filter((type) => type === "stream_retry")).toHaveLength(3)
    expect({ text, modelCalls }).toEqual({ text: "abc", modelCalls: 4 })
    const end = { type: "run_end", outcome: "failed", reason: "upstream_cut" }
    expect(await session.history()).toMatchObject({
      messages: [{ role: "user" }, { role: "assistant", content: [end] }],
      active_run: null,
    })
  })

  test("a response that is cut inside a tool call's JSON calls nothing, and the complete one is called once", async () => {
    const whole = anthropicEvents([
      { type: "text", text: "Let me add." },
      { type: "toolCall", name: "add", inputJson: ['{"a": 1', ', "b": 2}'] },
    ])
    const upToHalfTheInput = whole.slice(
      0,
      whole.findIndex((event) => event.includes("input_json_delta")) + 1,
    )
    const { text, terminal, frames } = await told([
      { steps: [...upToHalfTheInput, { type: "cut" }] },
      { steps: whole },
      says(" It is 3."),
    ])
    expect(types(frames)).toEqual([
      "text_delta",
      "stream_retry",
      "text_delta",
      "tool_call_start",
      "tool_call_complete",
      "turn_complete",
      "text_delta",
      "turn_complete",
      "stream_complete",
    ])
    expect(frames.find(({ event }) => event.type === "tool_call_start")?.event).toMatchObject({
      tool_input: { a: 1, b: 2 },
    })
    expect({ text, terminal }).toMatchObject({ text: "Let me add. It is 3.", terminal: completed })
  })

  test("a complete response with tool input that is not JSON is reported to the model", async () => {
    const broken = anthropicEvents([{ type: "toolCall", name: "add", inputJson: '{"a": 1, "b"' }])
    const { text, frames } = await told([{ steps: broken }, callsTool("add", { a: 1, b: 2 }), says("3")])
    const outcomes = frames.flatMap(({ event }) => (event.type === "tool_call_complete" ? [event] : []))
    expect(outcomes).toMatchObject([
      { result: null, error: { code: "invalid_input" } },
      { result: { sum: 3 }, error: null },
    ])
    expect(text).toBe("3")
  })

  test("an error inside the stream discards the text before it", async () => {
    const begun = anthropicEvents([{ type: "text", text: ["Lost ", "words"] }]).slice(0, 4)
    const overloaded = anthropicErrorEvent("overloaded_error", "Overloaded")
    const { text, terminal } = await told([{ steps: [...begun, overloaded] }, says("Kept.")])
    expect({ text, terminal }).toMatchObject({ text: "Kept.", terminal: completed })
  })

  test("a refused key fails the run at once, and neither key nor address is shown", async () => {
    const refusal = anthropicErrorReply(401, "authentication_error", "invalid x-api-key sk-test-key")
    const { terminal, modelCalls, frames } = await told([refusal])
    expect(terminal).toEqual({
      type: "error",
      code: "authentication_failed",
      error: "The provider refused the server's credentials.",
    })
    expect({ modelCalls, frames: frames.length }).toEqual({ modelCalls: 1, frames: 1 })
    expect(gateway.stderr()).toContain("authentication_failed")
    expect(gateway.stderr()).not.toContain("sk-test-key")
  })

  test("a rate limit is awaited as long as it asks", async () => {
    const limited = anthropicErrorReply(429, "rate_limit_error", "Slow down", { "retry-after": "1" })
    const before = performance.now()
    const { text, terminal, frames, modelCalls } = await told([limited, says("Now.")])
    expect(performance.now() - before).toBeGreaterThan(990)
    expect(types(frames)[0]).toBe("stream_retry")
    expect({ text, terminal, modelCalls }).toMatchObject({ text: "Now.", terminal: completed, modelCalls: 2 })
  })

  test("a rate limit that asks for hours fails the run at once", async () => {
    const limited = anthropicErrorReply(429, "rate_limit_error", "Come tomorrow", { "retry-after": "40000" })
    const { terminal, modelCalls } = await told([limited])
    expect({ terminal, modelCalls }).toMatchObject({ terminal: { code: "rate_limited" }, modelCalls: 1 })
  })

  test("an overloaded provider is called again until it responds", async () => {
    const overloaded = anthropicErrorReply(529, "overloaded_error", "Overloaded")
    const { text, terminal, modelCalls } = await told([overloaded, overloaded, says("At last.")])
    expect({ text, terminal, modelCalls }).toMatchObject({
      text: "At last.",
      terminal: completed,
      modelCalls: 3,
    })
  })

  test("an unreachable provider fails the run after three retries", async () => {
    const folder = await temporaryFolder(onEnd)
    const { url } = await startGateway({ folder, model: { url: "http://127.0.0.1:1" }, onEnd })
    const frames = await (await (await startSession(url)).chat("Hi")).rest()
    expect(types(frames)).toEqual(["stream_retry", "stream_retry", "stream_retry", "error"])
    expect(frames.at(-1)?.event).toMatchObject({ code: "upstream_unreachable" })
  })

  test("a session continues after a failed run", async () => {
    const { session } = await told([html(200), says("Better.")])
    expect(assemble(await (await session.chat("Again?")).rest())).toMatchObject({ text: "Better." })
  })
})
