import { JSONParseError, type LanguageModelV3, type LanguageModelV4 } from "@ai-sdk/provider"
import { expect, test } from "vitest"
import { ConfigurationError } from "../../../core/errors.ts"
import type { CallRecord } from "../../../core/ports/model/call-record.ts"
import type { ModelEvent, ModelRequest, Provider } from "../../../core/ports/model/provider.ts"
import { aiSdkProvider } from "./ai-sdk-provider.ts"
import type { StreamPart } from "./answer-fold.ts"
import type { AiSdkModel } from "./options.ts"

const request: ModelRequest = {
  model: "some-model",
  system: [],
  messages: [
    {
      role: "user",
      content: [{ type: "image", source: { type: "base64", mediaType: "image/png", data: "iVBO" } }],
    },
  ],
  tools: [],
  maxTokens: 50,
}

const hello: readonly StreamPart[] = [
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hello" },
  {
    type: "finish",
    finishReason: { unified: "stop", raw: "STOP" },
    usage: {
      inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: 1, text: 1, reasoning: undefined },
    },
  },
]

interface Played {
  readonly version?: "v3" | "v4"
  readonly provider?: string
  readonly parts?: readonly StreamPart[]
  readonly contentType?: string
  /** Body of the request, as the model reports it. */
  readonly sent?: unknown
}

function play({ version = "v4", provider = "test.chat", parts = hello, contentType, sent }: Played = {}) {
  const calls: unknown[] = []
  const model = {
    specificationVersion: version,
    provider,
    modelId: "some-model",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("not used")),
    async doStream(options: unknown) {
      calls.push(options)
      const headers = contentType === undefined ? {} : { "content-type": contentType }
      return { stream: ReadableStream.from(parts), request: { body: sent }, response: { headers } }
    },
  } as LanguageModelV4 | LanguageModelV3
  return { model, calls }
}

async function call(
  provider: Provider,
  asked = request,
  record?: CallRecord,
): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(asked, { signal: new AbortController().signal, record }))
    events.push(event)
  return events
}

test.each([
  ["as JSON", '{"model":"m"}', { model: "m" }],
  ["as a value", { model: "m" }, { model: "m" }],
  ["as another text", "model m", "model m"],
])("the body that the model reports %s is recorded", async (_, sent, body) => {
  const own = { form: "gateway", url: null, headers: {}, body: request } as const
  const record: CallRecord = { request: own, response: null }
  await call(aiSdkProvider(play({ sent }).model), request, record)
  expect(record).toEqual({ request: { form: "http", url: null, headers: {}, body }, response: null })
  const unreported: CallRecord = { request: own, response: null }
  await call(aiSdkProvider(play().model), request, unreported)
  expect(unreported.request).toBe(own)
})

test("a thinking level becomes the model's setting, which models of version 6 do not have", async () => {
  const { model, calls } = play()
  const provider = aiSdkProvider(model)
  expect(provider.thinkingLevels?.(model.modelId)).toContain("max")
  await call(provider, { ...request, thinkingLevel: "low" })
  expect(calls).toMatchObject([{ reasoning: "low" }])
  expect(aiSdkProvider({ ...model, specificationVersion: "v3" }).thinkingLevels).toBeUndefined()
})

test("a call has the content of the request, with the given options", async () => {
  const { model, calls } = play()
  const providerOptions = { test: { effort: "low" } }
  const outputSchema = { type: "object" }
  const tools = [{ name: "add", description: "Adds.", inputSchema: { type: "object" } }]
  await call(aiSdkProvider(model, { providerOptions }), { ...request, tools, outputSchema })
  expect(calls).toMatchObject([
    {
      maxOutputTokens: 50,
      providerOptions,
      responseFormat: { type: "json", schema: outputSchema },
      tools: [{ type: "function", ...tools[0] }],
      toolChoice: { type: "auto" },
    },
  ])
})

test.each([
  ["v4", { type: "data", data: "iVBO" }],
  ["v3", "iVBO"],
] as const)("a model of specification %s is called in its own form", async (version, data) => {
  const { model, calls } = play({ version })
  expect((await call(aiSdkProvider(model))).at(-1)).toEqual({
    type: "end",
    content: [{ type: "text", text: "Hello" }],
    stopReason: "end",
    model: "some-model",
    usage: { inputTokens: 3, outputTokens: 1, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 },
  })
  expect(calls).toMatchObject([{ prompt: [{ role: "user", content: [{ type: "file", data }] }] }])
})

test("a request for another model is refused", async () => {
  const { model, calls } = play()
  const events = await call(aiSdkProvider(model), { ...request, model: "another" })
  expect(events).toMatchObject([{ type: "error", code: "model_not_found", retryable: false }])
  expect(calls).toEqual([])
})

const responseOf = (id: string): StreamPart => ({ type: "response-metadata", id })

const unusable = (unified: "error" | "interrupted" | "other"): readonly StreamPart[] =>
  hello.map((part) =>
    part.type === "finish" ? { ...part, finishReason: { unified, raw: undefined } } : part,
  ) as readonly StreamPart[]

test.each<[string, Played, string]>([
  ["an answer that the service broke off", { parts: unusable("interrupted") }, "upstream_cut"],
  ["an answer that the service gave up", { parts: unusable("error") }, "upstream_failed"],
  ["an answer with a finish that has no reason", { parts: unusable("other") }, "upstream_cut"],
  [
    "an answer with another one inside it",
    { parts: [responseOf("one"), ...hello.slice(0, 2), responseOf("two"), ...hello] },
    "upstream_cut",
  ],
  [
    "an answer that begins again within a text",
    { parts: [responseOf("one"), ...hello.slice(0, 2), responseOf("one"), ...hello] },
    "upstream_cut",
  ],
  [
    "an answer with a garbled piece",
    { parts: [responseOf("one"), { type: "error", error: new JSONParseError({ text: "{", cause: "?" }) }] },
    "upstream_cut",
  ],
  ["an answer without a finish", { parts: hello.slice(0, 2) }, "upstream_cut"],
  ["a web page", { parts: [], contentType: "text/html; charset=utf-8" }, "upstream_invalid"],
])("%s is a failure", async (_, played, code) => {
  const retryable = code !== "upstream_invalid"
  expect((await call(aiSdkProvider(play(played).model))).at(-1)).toMatchObject({
    type: "error",
    code,
    retryable,
  })
})

test("a failed response reports its cost", async () => {
  const args: StreamPart = { type: "tool-input-delta", id: "1", delta: '{"a":' }
  const { model } = play({ parts: [args, ...unusable("error")] })
  expect(await call(aiSdkProvider(model))).toMatchObject([
    { type: "progress", hiddenBytes: 5 },
    { type: "progress" },
    { type: "textDelta" },
    { type: "progress", usage: { inputTokens: 3, outputTokens: 1 } },
    { type: "error" },
  ])
})

test.each([
  ["google.generative-ai", "google"],
  ["google.vertex.chat", "google"],
  ["amazon-bedrock", "aws"],
  ["mistral.chat", "mistral"],
  ["xai.responses", "x-ai"],
  ["openai-local.chat", undefined],
])("calls of %s have the prices of %s", (provider, priceList) => {
  expect(aiSdkProvider(play({ provider }).model).priceList).toBe(priceList)
  expect(aiSdkProvider(play({ provider }).model, { priceList: "free" }).priceList).toBe("free")
})

test.each<[string, unknown, object, RegExp]>([
  ["a model's name", "openai/gpt-5", {}, /version 6 or 7/],
  ["a model of version 5", { ...play().model, specificationVersion: "v2" }, {}, /version 6 or 7/],
  ["an unknown option", play().model, { maxRetries: 3 }, /maxRetries/],
])("%s is a configuration error", (_, model, options, message) => {
  const make = () => aiSdkProvider(model as AiSdkModel, options)
  expect(make).toThrow(ConfigurationError)
  expect(make).toThrow(message)
})
