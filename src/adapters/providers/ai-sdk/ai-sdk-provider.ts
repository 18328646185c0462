import type {
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
} from "@ai-sdk/provider"
import type {
  ModelCallOptions,
  ModelEnd,
  ModelEvent,
  ModelFailure,
  ModelRequest,
  Provider,
} from "../../../core/ports/model/provider.ts"
import type { ToolRules } from "../../../core/ports/tools/tool-rules.ts"
import { thinkingLevels } from "../../../core/thinking-level.ts"
import { createModelFailure } from "../model-failure.ts"
import { openAiToolRules } from "../openai/tool-rules.ts"
import { cancelBody, readToEnd } from "../transport/body-reader.ts"
import { linkSignal } from "../transport/linked-signal.ts"
import { AnswerFold, type StreamPart } from "./answer-fold.ts"
import { toFailure } from "./failure.ts"
import { toStopReason, toUsage } from "./finish.ts"
import { type AiSdkModel, type AiSdkOptions, checkArguments } from "./options.ts"
import { toPrompt } from "./prompt.ts"
import { toPromptV3 } from "./prompt-v3.ts"

/** A checked model, with its own types. */
type LanguageModel = LanguageModelV4 | LanguageModelV3

/**
 * A provider for a model of the AI SDK (https://ai-sdk.dev/providers), which supports all of its providers. It has
 * one model: a request for another model fails as `model_not_found`. The model's own settings apply, including its
 * key and its `fetch`. The package `ai` itself is not needed. Images by URL only work with providers that fetch them.
 *
 * @throws ConfigurationError if the model is invalid, or if options are unknown or wrong.
 */
export function aiSdkProvider(given: AiSdkModel, options: AiSdkOptions = {}): Provider {
  checkArguments(given, options)
  const model = given as unknown as LanguageModel
  const priceList = options.priceList ?? findPriceList(model.provider)
  return {
    name: nameOf(model),
    defaultModel: model.modelId,
    ...(priceList !== undefined && { priceList }),
    toolRules: chooseToolRules(model),
    // Models for version 6 of `ai` have no common setting for thinking.
    ...(model.specificationVersion === "v4" && { thinkingLevels: () => thinkingLevels }),
    stream: (request, callOptions) => answer(model, options, request, callOptions),
  }
}

/**
 * Returns the rules for tools. The AI SDK passes schemas on unchanged, so the rules of its strictest providers apply.
 * OpenAI has further limits.
 */
function chooseToolRules({ provider }: LanguageModel): ToolRules {
  const common = { plainRoot: true, itemsRequired: true, propertyNames: /^[a-zA-Z0-9_.-]{1,64}$/ }
  return /^(openai|azure)\b(?!-)/.test(provider) ? { ...common, ...openAiToolRules } : common
}

/** Returns the name for vendor data. Other providers of the AI SDK do not understand this provider's data. */
function nameOf({ provider }: LanguageModel): string {
  return `ai-sdk/${provider}`
}

async function* answer(
  model: LanguageModel,
  options: AiSdkOptions,
  request: ModelRequest,
  { signal, record }: ModelCallOptions,
): AsyncGenerator<ModelEvent, void, undefined> {
  if (signal.aborted) return
  if (request.model !== model.modelId) {
    yield createModelFailure("model_not_found", {
      detail: `This provider offers only the model ${model.modelId}.`,
    })
    return
  }
  const linked = linkSignal(signal)
  const fold = new AnswerFold(nameOf(model))
  try {
    const {
      stream,
      request: sent,
      response,
    } = await open(model, callOptions(model, options, request, linked.signal))
    if (record !== undefined && sent?.body !== undefined)
      record.request = { form: "http", url: null, headers: {}, body: parseBody(sent.body) }
    for await (const event of read(stream.getReader(), { model, fold, headers: response?.headers ?? {} })) {
      yield event
      if (signal.aborted) return
    }
  } catch (error) {
    if (!signal.aborted) yield toFailure(error, fold.begun)
  } finally {
    linked.release()
  }
}

function callOptions(
  model: LanguageModel,
  { providerOptions }: AiSdkOptions,
  request: ModelRequest,
  abortSignal: AbortSignal,
): LanguageModelV4CallOptions {
  return {
    prompt: toPrompt(request, nameOf(model)),
    maxOutputTokens: request.maxTokens,
    abortSignal,
    ...(request.traceparent !== undefined && { headers: { traceparent: request.traceparent } }),
    ...(providerOptions && { providerOptions }),
    ...(request.thinkingLevel !== undefined && { reasoning: request.thinkingLevel }),
    ...(request.tools.length > 0 && { tools: request.tools.map(toTool), toolChoice: { type: "auto" } }),
    ...(request.outputSchema && { responseFormat: { type: "json", schema: request.outputSchema } }),
  }
}

function toTool({
  name,
  description,
  inputSchema,
}: ModelRequest["tools"][number]): LanguageModelV4FunctionTool {
  return { type: "function", name, description, inputSchema }
}

function open(model: LanguageModel, options: LanguageModelV4CallOptions) {
  if (model.specificationVersion === "v4") return model.doStream(options)
  return model.doStream({ ...options, prompt: toPromptV3(options.prompt) })
}

/** Returns the body as a value. Models of the AI SDK report it as a value or as its JSON. */
function parseBody(body: unknown): unknown {
  if (typeof body !== "string") return body
  try {
    return JSON.parse(body)
  } catch {
    // A model may report a text of its own.
    return body
  }
}

interface Reading {
  readonly model: LanguageModel
  readonly fold: AnswerFold
  /** Headers of the HTTP response. */
  readonly headers: Readonly<Record<string, string>>
}

async function* read(
  reader: ReadableStreamDefaultReader<StreamPart>,
  { model, fold, headers }: Reading,
): AsyncGenerator<ModelEvent, void, undefined> {
  let hasEnded = false
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const part = next.value
      if (part.type === "error") {
        yield toFailure(part.error, fold.begun)
        return
      }
      if (part.type === "finish") {
        hasEnded = true
        const usage = toUsage(part.usage)
        // A failed response may have cost something nevertheless.
        if (usage !== null) yield { type: "progress", usage }
        yield endOf(part, { fold, model, headers })
        return
      }
      yield fold.apply(part)
    }
  } finally {
    if (hasEnded) await readToEnd(reader)
    else await cancelBody(reader)
  }
  yield createModelFailure(classifyEnd(fold, headers), { detail: "The stream ended without a finish." })
}

/**
 * Returns the code of an ended stream. The AI SDK finds no events in a web page or in a JSON document, and reports
 * nothing.
 */
function classifyEnd(
  { begun }: AnswerFold,
  headers: Reading["headers"],
): "upstream_invalid" | "upstream_cut" {
  const isDocument = /^(text\/html|application\/json)\b/i.test(headers["content-type"] ?? "")
  return isDocument && !begun ? "upstream_invalid" : "upstream_cut"
}

function endOf(
  { finishReason, usage }: Extract<StreamPart, { type: "finish" }>,
  { fold, model: { modelId }, headers }: Reading,
): ModelEnd | ModelFailure {
  const stopReason = toStopReason(finishReason, fold.called)
  if (stopReason === null) {
    const code = finishReason.unified === "error" ? "upstream_failed" : classifyEnd(fold, headers)
    return createModelFailure(code, {
      detail: `Finish reason “${finishReason.raw ?? finishReason.unified}”.`,
    })
  }
  return {
    type: "end",
    content: fold.content(),
    stopReason,
    model: fold.model ?? modelId,
    usage: toUsage(usage),
  }
}

/**
 * Maps the start of a model's `provider`, by the AI SDK's own packages, to the ids of
 * https://github.com/pydantic/genai-prices. Only whole names match, because a custom server may be called
 * `openai-local`.
 */
const lists: ReadonlyMap<string, string> = new Map([
  ["amazon-bedrock", "aws"],
  ["anthropic", "anthropic"],
  ["azure", "azure"],
  ["azure-openai", "azure"],
  ["bedrock", "aws"],
  ["cerebras", "cerebras"],
  ["cohere", "cohere"],
  ["deepseek", "deepseek"],
  ["fireworks", "fireworks"],
  ["google", "google"],
  ["googleVertex", "google"],
  ["groq", "groq"],
  ["mistral", "mistral"],
  ["moonshotai", "moonshotai"],
  ["openai", "openai"],
  ["openrouter", "openrouter"],
  ["perplexity", "perplexity"],
  ["togetherai", "together"],
  ["vertex", "google"],
  ["xai", "x-ai"],
])

/** Returns the price list. Undefined for an unknown provider. */
function findPriceList(provider: string): string | undefined {
  return lists.get(provider.split(".", 1)[0] ?? "")
}
