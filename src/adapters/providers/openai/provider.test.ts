import { getEventListeners, once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { afterEach, describe, expect, test, vi } from "vitest"
import { ConfigurationError } from "../../../core/errors.ts"
import type { Provider } from "../../../core/ports/model/provider.ts"
import { createChatEvents } from "../../../testing/provider/openai-chat-wire.ts"
import { createResponsesEvents, openAiErrorReply } from "../../../testing/provider/openai-responses-wire.ts"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
} from "../../../testing/provider/scripted-upstream.ts"
import { collectEvents } from "./fixtures/call.ts"
import { openAiChatProvider } from "./openai-chat-provider.ts"
import { openAiProvider } from "./openai-provider.ts"
import type { LoadOpenAiSdk, OpenAiConnectionOptions } from "./options.ts"

const apiKey = "sk-test-0123456789"

const providers: readonly {
  readonly name: string
  readonly make: (options: OpenAiConnectionOptions, load?: LoadOpenAiSdk) => Provider
  readonly hello: readonly string[]
}[] = [
  {
    name: "Responses",
    make: openAiProvider,
    hello: createResponsesEvents([{ type: "text", text: "Hello" }]),
  },
  {
    name: "Chat Completions",
    make: openAiChatProvider,
    hello: createChatEvents([{ type: "text", text: "Hello" }]),
  },
]

const upstreams: ScriptedUpstream[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
})

async function upstream(...replies: readonly UpstreamReply[]): Promise<ScriptedUpstream> {
  const started = await startScriptedUpstream(replies)
  upstreams.push(started)
  return started
}

describe.each(providers)("$name: options", ({ make, hello }) => {
  test.each<[string, object, RegExp]>([
    ["an unknown key", { apiKey, baseUrl: "http://localhost" }, /baseUrl/],
    ["neither key nor address", {}, /apiKey/],
    ["an address that is none", { apiKey, baseURL: "localhost" }, /baseURL/],
    ["a wrong type", { apiKey, timeoutMs: "1" }, /timeoutMs/],
  ])("%s is a configuration error that names it", (_, options, message) => {
    const attempt = () => make(options as OpenAiConnectionOptions)
    expect(attempt).toThrow(ConfigurationError)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow(apiKey)
  })

  test("key, headers and further fields are sent; the gateway's own fields take precedence", async () => {
    const { url, requests } = await upstream({ steps: hello })
    const headers = { "openai-organization": "org-own" }
    const extraBody = { service_tier: "flex", model: "another" }
    await collectEvents(make({ apiKey, baseURL: url, headers, extraBody }))
    expect(requests[0]?.headers).toMatchObject({ ...headers, authorization: `Bearer ${apiKey}` })
    expect(requests[0]?.body).toMatchObject({ service_tier: "flex", model: "gpt-test", stream: true })
  })

  test("a custom header can be the credential", async () => {
    const { url, requests } = await upstream({ steps: hello })
    await collectEvents(make({ apiKey, baseURL: url, headers: { authorization: "Basic own" } }))
    expect(requests[0]?.headers.authorization).toBe("Basic own")
  })

  test("the loop learns how long a call may take, and whether the server is the operator's own", () => {
    expect(make({ baseURL: "http://127.0.0.1:8080/v1", timeoutMs: 50 })).toMatchObject({
      firstTokenTimeoutMs: 50,
      selfHosted: true,
    })
    expect(make({ apiKey })).toMatchObject({ selfHosted: false })
    expect(make({ apiKey })).not.toHaveProperty("firstTokenTimeoutMs")
  })

  test("no credential is sent without a key", async () => {
    const { url, requests } = await upstream({ steps: hello })
    expect((await collectEvents(make({ baseURL: url }))).at(-1)?.type).toBe("end")
    expect(requests[0]?.headers).not.toHaveProperty("authorization")
  })
})

describe.each(providers)("$name: the SDK", ({ make, hello }) => {
  test("a missing SDK is reported with the install command when preparing and at a call", async () => {
    const provider = make({ apiKey }, () => Promise.reject(new Error("Cannot find package")))
    await expect(provider.prepare?.()).rejects.toThrow("npm install openai")
    await expect(collectEvents(provider)).rejects.toThrow(ConfigurationError)
    await expect(collectEvents(provider)).rejects.toThrow("npm install openai")
  })

  test("the SDK is loaded once, when it is prepared or first called, without a network call", async () => {
    const { url, requests } = await upstream({ steps: hello }, { steps: hello })
    const load = vi.fn(() => import("openai"))
    const provider = make({ apiKey, baseURL: url }, load)
    expect(load).not.toHaveBeenCalled()
    await provider.prepare?.()
    expect(requests).toEqual([])
    expect(load).toHaveBeenCalledOnce()
    await collectEvents(provider)
    await collectEvents(provider)
    expect(load).toHaveBeenCalledOnce()
  })

  test("no environment variables are sent to the provider", async () => {
    vi.stubEnv("OPENAI_API_KEY", "env-key")
    vi.stubEnv("OPENAI_ADMIN_KEY", "env-admin")
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    vi.stubEnv("OPENAI_ORG_ID", "env-org")
    vi.stubEnv("OPENAI_PROJECT_ID", "env-project")
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", "x-from-env: leaked\nauthorization: Bearer env")
    const { url, requests } = await upstream({ steps: hello })
    expect((await collectEvents(make({ apiKey, baseURL: url }))).at(-1)?.type).toBe("end")
    const { headers } = requests[0] ?? {}
    expect(headers?.authorization).toBe(`Bearer ${apiKey}`)
    expect(JSON.stringify(headers)).not.toMatch(/env|leaked/)
  })

  test("the SDK does not retry by itself", async () => {
    const overloaded = openAiErrorReply(503, { code: null, message: "No" }, { "x-should-retry": "true" })
    const { url, requests } = await upstream(overloaded, { steps: hello })
    await collectEvents(make({ apiKey, baseURL: url }))
    expect(requests).toHaveLength(1)
  })

  test("a call leaves no listener on its signal", async () => {
    const { url } = await upstream({ steps: hello }, { steps: hello.slice(0, 2) })
    const provider = make({ apiKey, baseURL: url })
    const { signal } = new AbortController()
    const request = { model: "gpt-test", system: [], messages: [], tools: [], maxTokens: 50 }
    for (const last of ["end", "error"]) {
      const types: string[] = []
      for await (const event of provider.stream(request, { signal })) types.push(event.type)
      expect(types.at(-1)).toBe(last)
      expect(getEventListeners(signal, "abort")).toEqual([])
    }
  })
})

describe.each(providers)("$name: failures", ({ make, hello }) => {
  test("a refused connection is upstream_unreachable", async () => {
    const events = await collectEvents(make({ baseURL: "http://127.0.0.1:9" }))
    expect(events).toMatchObject([
      {
        type: "error",
        code: "upstream_unreachable",
        retryable: true,
        detail: expect.stringContaining("ECONNREFUSED"),
      },
    ])
  })

  test("a provider that does not start its response is upstream_timeout", async () => {
    // A server that accepts connections and never sends anything.
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const events = await collectEvents(make({ baseURL: `http://127.0.0.1:${port}`, timeoutMs: 50 }))
    expect(events).toMatchObject([{ type: "error", code: "upstream_timeout", retryable: true }])
    server.close()
  })

  test.each([
    ['{"error":{"message":"Gone.","code":"server_is_overloaded"}}', "overloaded"],
    ['{"message":"Gone.","code":503}', "overloaded"],
    ["gone", "upstream_failed"],
  ])("an error event of %s is %s", async (data, code) => {
    const { url } = await upstream({ steps: [`event: error\ndata: ${data}\n\n`] })
    expect(await collectEvents(make({ baseURL: url }))).toMatchObject([{ type: "error", code }])
  })

  test.each([
    ['{"error":{"message":"busy","code":"server_is_overloaded"}}', "overloaded", "busy"],
    ['{"error":{"message":"Unauthorized","code":401}}', "authentication_failed", "Unauthorized"],
    ['{"error":"model \\"qwen9\\" not found"}', "model_not_found", "qwen9"],
    ['{"detail":"Not here"}', "upstream_invalid", "Not here"],
  ])("a success status with %s is %s, in the provider's words", async (body, code, words) => {
    const { url } = await upstream({ headers: { "content-type": "application/json" }, steps: [body] })
    expect(await collectEvents(make({ baseURL: url }))).toMatchObject([
      { type: "error", code, detail: expect.stringContaining(words) },
    ])
  })

  test("an endless document instead of a stream is not read to its end", async () => {
    const megabyte = "x".repeat(1024 * 1024)
    const { url, requests } = await upstream({
      headers: { "content-type": "text/plain" },
      steps: Array.from({ length: 64 }, () => megabyte),
    })
    expect(await collectEvents(make({ baseURL: url }))).toMatchObject([{ code: "upstream_invalid" }])
    expect(await requests[0]?.outcome).toBe("disconnected")
  })

  test("JSON instead of a stream is upstream_invalid", async () => {
    const { url } = await upstream({ headers: { "content-type": "application/json" }, steps: ["{}"] })
    expect(await collectEvents(make({ baseURL: url }))).toMatchObject([{ code: "upstream_invalid" }])
  })

  test("a response ends with its last event, even if the connection stays open", async () => {
    const never = { type: "wait", until: new Promise(() => {}) } as const
    const { url, requests } = await upstream({ steps: [...hello, never] })
    expect((await collectEvents(make({ baseURL: url }))).at(-1)?.type).toBe("end")
    expect(await requests[0]?.outcome).toBe("disconnected")
  })
})

test("the SDK needs only the version from the address, and the paths are those of the APIs", async () => {
  const { url, requests } = await upstream(...providers.map(({ hello }) => ({ steps: hello })))
  for (const { make } of providers) await collectEvents(make({ baseURL: `${url}/v1` }))
  expect(requests.map(({ path }) => path)).toEqual(["/v1/responses", "/v1/chat/completions"])
})

test("a model must be given if there is no default", async () => {
  const provider = openAiChatProvider({ baseURL: "http://127.0.0.1:11434/v1" })
  await expect(async () => collectEvents(provider, { model: provider.defaultModel })).rejects.toThrow(
    ConfigurationError,
  )
})
