import { getEventListeners, once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { setTimeout as delay, setImmediate } from "node:timers/promises"
import { afterEach, describe, expect, test, vi } from "vitest"
import { ConfigurationError } from "../../../core/errors.ts"
import type { ModelEvent, ModelRequest, Provider } from "../../../core/ports/model/provider.ts"
import {
  anthropicErrorEvent,
  anthropicErrorReply,
  anthropicEvents,
  serverSentEvent,
} from "../../../testing/provider/anthropic-wire.ts"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
} from "../../../testing/provider/scripted-upstream.ts"
import { anthropicProvider } from "./anthropic-provider.ts"
import type { AnthropicOptions } from "./options.ts"

const apiKey = "sk-ant-test-0123456789"
const hello = anthropicEvents([{ type: "text", text: "Hello" }])
const request: ModelRequest = {
  model: "claude-test",
  system: [],
  messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
  tools: [],
  maxTokens: 50,
}

/** Gives each message of a stream its own id. */
const withNewMessageId = (event: string, index: number) => event.replace("msg_scripted", `msg_${index}`)

const upstreams: ScriptedUpstream[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
})

async function upstream(...replies: readonly UpstreamReply[]): Promise<ScriptedUpstream> {
  return played(replies)
}

async function played(script: Parameters<typeof startScriptedUpstream>[0]): Promise<ScriptedUpstream> {
  const started = await startScriptedUpstream(script)
  upstreams.push(started)
  return started
}

async function call(provider: Provider, asked = request): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(asked, { signal: new AbortController().signal }))
    events.push(event)
  return events
}

describe("options", () => {
  test.each<[string, object, RegExp]>([
    ["an unknown key", { apiKey, baseUrl: "http://localhost" }, /baseUrl/],
    ["no credential", {}, /exactly one of apiKey and authToken/],
    ["two credentials", { apiKey, authToken: "token" }, /exactly one of apiKey and authToken/],
    ["an address that is none", { apiKey, baseURL: "localhost" }, /baseURL/],
    ["a wrong type", { apiKey, timeoutMs: "1" }, /timeoutMs/],
  ])("%s is a configuration error that names it", (_, options, message) => {
    const make = () => anthropicProvider(options as AnthropicOptions)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
    expect(make).not.toThrow(apiKey)
  })

  test("the loop learns how long a call may take, and whether the server is the operator's own", () => {
    const baseURL = "http://localhost:8080"
    const own = { firstTokenTimeoutMs: 50, selfHosted: true }
    expect(anthropicProvider({ apiKey, baseURL, timeoutMs: 50 })).toMatchObject(own)
    expect(anthropicProvider({ apiKey })).toMatchObject({ selfHosted: false })
  })

  test("headers, thinking and further fields are sent; the gateway's own fields take precedence", async () => {
    const { url, requests } = await upstream({ steps: hello })
    const thinking = { type: "enabled", budget_tokens: 1024 } as const
    const headers = { "anthropic-beta": "some-beta", authorization: "Basic own" }
    const extraBody = { service_tier: "auto", model: "another" }
    await call(anthropicProvider({ apiKey, baseURL: url, headers, thinking, extraBody }))
    expect(requests[0]?.headers).toMatchObject(headers)
    expect(requests[0]?.body).toMatchObject({
      thinking,
      service_tier: "auto",
      model: "claude-test",
      stream: true,
    })
  })

  test("a schema is added to the further fields, and is left to the prompt if the API does not accept it", async () => {
    const { url, requests } = await upstream({ steps: hello }, { steps: hello })
    const outputSchema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] }
    const extraBody = { output_config: { effort: "low" } }
    for (const structuredOutputs of [true, false]) {
      const provider = anthropicProvider({ apiKey, baseURL: url, extraBody, structuredOutputs })
      await call(provider, { ...request, outputSchema })
    }
    const format = { type: "json_schema", schema: { ...outputSchema, additionalProperties: false } }
    expect(requests.map(({ body }) => body)).toMatchObject([
      { output_config: { effort: "low", format } },
      { output_config: { effort: "low" } },
    ])
    expect(requests[1]?.body).not.toHaveProperty("output_config.format")
  })

  test.each([{ apiKey }, { authToken: "some-oauth-token" }])(
    "%o is sent as the bearer token",
    async (credential) => {
      const { url, requests } = await upstream({ steps: hello })
      await call(anthropicProvider({ ...credential, baseURL: url } as AnthropicOptions))
      expect(requests[0]?.headers.authorization).toBe(`Bearer ${Object.values(credential)[0]}`)
    },
  )
})

describe("the SDK", () => {
  test("a missing SDK is reported with the install command when preparing and at the first call", async () => {
    const provider = anthropicProvider({ apiKey }, () => Promise.reject(new Error("Cannot find package")))
    await expect(provider.prepare?.()).rejects.toThrow("npm install @anthropic-ai/sdk")
    await expect(call(provider)).rejects.toThrow(ConfigurationError)
    await expect(call(provider)).rejects.toThrow("npm install @anthropic-ai/sdk")
  })

  test("the SDK is loaded once, when it is prepared or first called, without a network call", async () => {
    const { url, requests } = await upstream({ steps: hello }, { steps: hello })
    const load = vi.fn(() => import("@anthropic-ai/sdk"))
    const provider = anthropicProvider({ apiKey, baseURL: url }, load)
    expect(load).not.toHaveBeenCalled()
    await provider.prepare?.()
    expect(requests).toEqual([])
    expect(load).toHaveBeenCalledOnce()
    await call(provider)
    await call(provider)
    expect(load).toHaveBeenCalledOnce()
  })

  test("no environment variables are sent to the provider", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "env-key")
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "env-token")
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    vi.stubEnv("ANTHROPIC_PROFILE", "no-such-profile")
    vi.stubEnv("ANTHROPIC_CUSTOM_HEADERS", "x-from-env: leaked\nauthorization: Bearer env")
    const { url, requests } = await upstream({ steps: hello })
    expect((await call(anthropicProvider({ apiKey, baseURL: url }))).at(-1)?.type).toBe("end")
    const { headers } = requests[0] ?? {}
    expect(headers?.authorization).toBe(`Bearer ${apiKey}`)
    expect(JSON.stringify(headers)).not.toMatch(/env|leaked/)
  })

  test("the SDK does not retry by itself", async () => {
    const overloaded = anthropicErrorReply(529, "overloaded_error", "Overloaded", {
      "x-should-retry": "true",
    })
    const { url, requests } = await upstream(overloaded, { steps: hello })
    await call(anthropicProvider({ apiKey, baseURL: url }))
    expect(requests).toHaveLength(1)
  })
})

describe("failures", () => {
  test.each<[string, UpstreamReply, string, boolean]>([
    ["400", anthropicErrorReply(400, "invalid_request_error", "bad field"), "invalid_request", false],
    [
      "401 whatever the body says",
      anthropicErrorReply(401, "api_error", "oops"),
      "authentication_failed",
      false,
    ],
    [
      "401 whatever the headers say",
      anthropicErrorReply(401, "api_error", "oops", { "x-should-retry": "true" }),
      "authentication_failed",
      false,
    ],
    ["402", anthropicErrorReply(402, "billing_error", "pay"), "quota_exceeded", false],
    ["402 from a proxy", { status: 402, headers: {}, steps: ["?"] }, "quota_exceeded", false],
    [
      "400 for want of credit",
      anthropicErrorReply(400, "invalid_request_error", "Your credit balance is too low to access the API."),
      "quota_exceeded",
      false,
    ],
    [
      "429 of a proxy that knows one type",
      anthropicErrorReply(429, "api_error", "slow"),
      "rate_limited",
      true,
    ],
    [
      "400 of a proxy that knows one type",
      anthropicErrorReply(400, "api_error", "no"),
      "invalid_request",
      false,
    ],
    ["503 of a known type", anthropicErrorReply(503, "api_error", "busy"), "overloaded", true],
    ["503 of an unknown type", anthropicErrorReply(503, "unavailable", "busy"), "overloaded", true],
    ["503 from a proxy", { status: 503, headers: {}, steps: ["?"] }, "overloaded", true],
    ["403", anthropicErrorReply(403, "permission_error", "no"), "authentication_failed", false],
    ["413", anthropicErrorReply(413, "request_too_large", "too big"), "request_too_large", false],
    ["500", anthropicErrorReply(500, "api_error", "oops"), "upstream_failed", true],
    ["504", anthropicErrorReply(504, "timeout_error", "late"), "upstream_timeout", true],
    [
      "404 from something that is not the API",
      { status: 404, headers: {}, steps: ["?"] },
      "upstream_invalid",
      false,
    ],
    ["429 from a proxy", { status: 429, headers: {}, steps: ["?"] }, "rate_limited", true],
    [
      "429 that will not pass",
      anthropicErrorReply(429, "rate_limit_error", "spend limit", { "x-should-retry": "false" }),
      "rate_limited",
      false,
    ],
    ["an error event", { steps: [anthropicErrorEvent("api_error", "oops")] }, "upstream_failed", true],
    [
      "an error event without its name",
      { steps: [anthropicErrorEvent("overloaded_error", "busy").replace(/^event:.*\n/, "")] },
      "overloaded",
      true,
    ],
    [
      "an error within a stream, without a type",
      { steps: ['data: {"error":{"type":"rate_limit_error","message":"slow"}}\n\n'] },
      "rate_limited",
      true,
    ],
    ["an error event of a proxy", { steps: ["event: error\ndata: oops\n\n"] }, "upstream_failed", true],
    ["broken JSON", { steps: ["event: message_start\ndata: {oops\n\n"] }, "upstream_invalid", false],
    [
      "JSON in place of a stream",
      { headers: { "content-type": "application/json" }, steps: ["{}"] },
      "upstream_invalid",
      false,
    ],
    [
      "a JSON error in place of a stream",
      {
        headers: { "content-type": "application/json" },
        steps: ['{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'],
      },
      "overloaded",
      true,
    ],
    ["an empty stream", { steps: [] }, "upstream_cut", true],
    ["a response inside a response", { steps: [...hello.slice(0, 3), ...hello] }, "upstream_cut", true],
    [
      "another message that begins",
      { steps: [...hello.slice(0, 1), ...hello].map(withNewMessageId) },
      "upstream_cut",
      true,
    ],
    [
      "a stream that garbles in its middle",
      { steps: [...hello.slice(0, 3), "event: content_block_delta\ndata: {oops\n\n"] },
      "upstream_cut",
      true,
    ],
    [
      "a piece of a block whose begin is missing",
      { steps: hello.filter((_, index) => index !== 1) },
      "upstream_cut",
      true,
    ],
    ["a stream that ends early", { steps: hello.slice(0, -1) }, "upstream_cut", true],
  ])("%s", async (_, reply, code, retryable) => {
    const { url } = await upstream(reply)
    const events = await call(anthropicProvider({ apiKey, baseURL: url }))
    expect(events.at(-1)).toMatchObject({ type: "error", code, retryable })
  })

  test("the detail contains helpful facts, and no secret", async () => {
    const { url } = await upstream(
      anthropicErrorReply(400, "invalid_request_error", `no field for ${apiKey}`),
    )
    const [failure] = await call(anthropicProvider({ apiKey, baseURL: url }))
    expect(failure).toMatchObject({
      detail: expect.stringMatching(/400.*no field for \[redacted\].*req_scripted/),
    })
  })

  test("the detail for a response that is not a stream contains the provider's words, and no secret", async () => {
    const { url } = await upstream({
      headers: { "content-type": "application/json" },
      steps: [JSON.stringify({ error: { message: `No such deployment for ${apiKey}` } })],
    })
    const events = await call(anthropicProvider({ apiKey, baseURL: url }))
    expect(events).toMatchObject([{ detail: expect.stringMatching(/No such deployment for \[redacted\]/) }])
  })

  test("a refusal because of an image is marked", async () => {
    const { url } = await upstream(
      anthropicErrorReply(
        400,
        "invalid_request_error",
        "messages.0.content.0.image.source.base64: Could not process image",
      ),
    )
    const events = await call(anthropicProvider({ apiKey, baseURL: url }))
    expect(events).toMatchObject([{ code: "invalid_request", refusedPart: "image" }])
  })

  test("a refused connection is upstream_unreachable", async () => {
    const events = await call(anthropicProvider({ apiKey, baseURL: "http://127.0.0.1:9" }))
    expect(events).toMatchObject([{ type: "error", code: "upstream_unreachable", retryable: true }])
    expect(events).toMatchObject([{ detail: expect.stringContaining("ECONNREFUSED") }])
  })

  test("a provider that does not start its response is upstream_timeout", async () => {
    // A server that accepts connections and never sends anything.
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const events = await call(
      anthropicProvider({ apiKey, baseURL: `http://127.0.0.1:${port}`, timeoutMs: 50 }),
    )
    expect(events).toMatchObject([{ type: "error", code: "upstream_timeout", retryable: true }])
    server.close()
  })
})

test("a read without content to show is one sign of progress, which counts the pieces of a call's input", async () => {
  const shown = Promise.withResolvers<void>()
  const [start = "", begin = "", delta = ""] = anthropicEvents([
    { type: "toolCall", name: "add", inputJson: ["{"] },
  ])
  const ping = serverSentEvent({ type: "ping" })
  const { url } = await upstream({
    steps: [start, { type: "wait", until: shown.promise }, begin + ping + delta + delta, { type: "cut" }],
  })
  const events: ModelEvent[] = []
  const stream = anthropicProvider({ apiKey, baseURL: url }).stream(request, {
    signal: new AbortController().signal,
  })
  for await (const event of stream) {
    events.push(event)
    shown.resolve()
  }
  // The last two events belong to the last read, and to the end of the incomplete response.
  expect(events).toMatchObject([
    { type: "progress", hiddenBytes: 0 },
    { type: "progress", hiddenBytes: 2 },
    { type: "progress", hiddenBytes: 2, usage: {} },
    { type: "error" },
  ])
})

test("after an abort, even data that was already read is not yielded", async () => {
  const { url } = await upstream({ steps: [hello.join("")] })
  const controller = new AbortController()
  const events: ModelEvent["type"][] = []
  const stream = anthropicProvider({ apiKey, baseURL: url }).stream(request, { signal: controller.signal })
  for await (const event of stream) {
    events.push(event.type)
    controller.abort()
  }
  expect(events).toEqual(["progress"])
})

test("a response ends with message_stop, even if the connection stays open", async () => {
  const { url, requests } = await upstream({
    steps: [...hello, { type: "wait", until: new Promise(() => {}) }],
  })
  expect((await call(anthropicProvider({ apiKey, baseURL: url }))).at(-1)?.type).toBe("end")
  expect(await requests[0]?.outcome).toBe("disconnected")
})

test("a reader that stops at the end leaves the connection open for later calls", async () => {
  // The end of the body arrives a little later than the last event, as it does over a network.
  const { url, requests } = await played(() => ({ steps: [...hello, { type: "wait", until: delay(5) }] }))
  const provider = anthropicProvider({ apiKey, baseURL: url })
  for (let calls = 0; calls < 5; calls++) {
    for await (const event of provider.stream(request, { signal: new AbortController().signal })) {
      if (event.type === "end") break
    }
    // `fetch` releases a connection one turn of the event loop after the end of the response.
    await setImmediate()
  }
  expect(requests).toHaveLength(5)
  expect(new Set(requests.map(({ remotePort }) => remotePort)).size).toBeLessThan(5)
})

test("a call leaves no listener on its signal", async () => {
  const { url } = await upstream({ steps: hello }, { steps: hello.slice(0, 3) })
  const provider = anthropicProvider({ apiKey, baseURL: url })
  const { signal } = new AbortController()
  for (const last of ["end", "error"]) {
    const events: ModelEvent[] = []
    for await (const event of provider.stream(request, { signal })) events.push(event)
    expect(events.at(-1)?.type).toBe(last)
    expect(getEventListeners(signal, "abort")).toEqual([])
  }
})
