import type { Anthropic } from "@anthropic-ai/sdk"
import { ConfigurationError } from "../../../core/errors.ts"
import { isJsonObject } from "../../../core/json/json.ts"
import type { ModelCallOptions, ModelRequest, Provider } from "../../../core/ports/model/provider.ts"
import type { ToolRules } from "../../../core/ports/tools/tool-rules.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { callLimits } from "../transport/call-limits.ts"
import { createEndpoint, type Endpoint } from "../transport/endpoint.ts"
import { createLazy } from "../transport/lazy.ts"
import { type EventStream, openEventStream } from "../transport/open-event-stream.ts"
import type { SseEvent } from "../transport/sse-events.ts"
import { type Call, streamAnswer } from "../transport/stream-answer.ts"
import { AnthropicFold } from "./answer-fold.ts"
import { toFailure } from "./failure.ts"
import {
  type AnthropicOptions,
  type AnthropicThinking,
  checkOptions,
  type LoadAnthropicSdk,
} from "./options.ts"
import { createOutputFormat } from "./output-format.ts"
import { createMessagesRequest } from "./request.ts"
import { createThinkingFields, listThinkingLevels } from "./thinking.ts"

/** The rules follow from errors of the API. Its reference does not list them. */
const toolRules: ToolRules = { plainRoot: true, propertyNames: /^[a-zA-Z0-9_.-]{1,64}$/ }

/** The model ids that the SDK knows. `Anthropic.Model` also allows any string. */
type KnownModel = Anthropic.Model extends infer Model
  ? Model extends string
    ? Literal<Model>
    : never
  : never
type Literal<Text extends string> = string extends Text ? never : Text

const defaultModel = "claude-sonnet-5-5" satisfies KnownModel

/**
 * A provider for Claude that uses the Messages API. The official SDK, `@anthropic-ai/sdk`, builds the head of the
 * requests and the errors of responses. `prepare` or the first call loads the SDK. If it is not installed, that throws
 * a `ConfigurationError`.
 *
 * @param load Loads the SDK.
 * @throws ConfigurationError if options are unknown or wrong.
 */
export function anthropicProvider(
  options: AnthropicOptions,
  load: LoadAnthropicSdk = () => import("@anthropic-ai/sdk"),
): Provider {
  checkOptions(options)
  const connected = createLazy(() => connect(options, load))
  return {
    name: "anthropic",
    defaultModel,
    priceList: "anthropic",
    toolRules,
    thinkingLevels: listThinkingLevels,
    ...callLimits(options.baseURL ?? anthropicAddress, options.timeoutMs),
    async prepare() {
      await connected()
    },
    stream(request, { signal, record }) {
      const fold = new AnthropicFold()
      const call: Call<Connection> = {
        request,
        fold,
        open: (connection, stop) => open(connection, request, { signal: stop, record }),
        apply(event, stream, { sdk }) {
          const delta = fold.apply(parse(event, stream, sdk))
          return delta === null ? [] : [delta]
        },
        toFailure,
      }
      return streamAnswer(connected, call, signal)
    },
  }
}

interface Connection {
  readonly sdk: AnthropicSdk
  readonly endpoint: Endpoint
  readonly options: AnthropicOptions
  readonly secrets: readonly string[]
}

async function connect(options: AnthropicOptions, load: LoadAnthropicSdk): Promise<Connection> {
  const loaded = await load().catch((cause: unknown) => {
    throw new ConfigurationError(
      "To use Claude models, install @anthropic-ai/sdk: npm install @anthropic-ai/sdk",
      { cause },
    )
  })
  const { apiKey = "", authToken = "", headers = {} } = options
  const sdk = loaded as AnthropicSdk
  return {
    sdk,
    endpoint: await createMessagesEndpoint(sdk, options),
    options,
    secrets: [apiKey, authToken, ...Object.values(headers)],
  }
}

async function open(
  { sdk, endpoint, options }: Connection,
  request: ModelRequest,
  { signal, record }: ModelCallOptions,
): Promise<EventStream> {
  const { extraBody = {}, structuredOutputs = true } = options
  const format =
    structuredOutputs && request.outputSchema ? await createOutputFormat(request.outputSchema) : null
  const ownThinking = options.thinking ?? (extraBody.thinking as AnthropicThinking | undefined)
  const { thinking, effort } = createThinkingFields(request, ownThinking)
  const content = {
    ...extraBody,
    ...(thinking && { thinking }),
    ...createMessagesRequest(request),
    ...((format !== null || effort !== undefined) && {
      output_config: {
        ...Object(extraBody.output_config),
        ...(effort && { effort }),
        ...(format && { format }),
      },
    }),
  }
  const { traceparent } = request
  return openEventStream(
    endpoint,
    { content, traceparent, signal, timeoutMs: options.timeoutMs, record },
    sdk,
  )
}

/** Throws the SDK's error for an error event, with or without an `event` field, as the SDK's own stream does. */
function parse({ event, data }: SseEvent, { headers }: EventStream, sdk: AnthropicSdk) {
  if (event === "error") throw new sdk.APIError(undefined, parseErrorBody(data), undefined, headers())
  const sent = JSON.parse(data)
  if (isJsonObject(sent) && (sent.type === "error" || (sent.type === undefined && isJsonObject(sent.error))))
    throw new sdk.APIError(undefined, sent, undefined, headers())
  return sent as Anthropic.RawMessageStreamEvent
}

function parseErrorBody(data: string): object {
  try {
    return Object(JSON.parse(data))
  } catch {
    // A proxy wrote this message.
    return { error: { message: data } }
  }
}

type AnthropicSdk = typeof import("@anthropic-ai/sdk")

const anthropicAddress = "https://api.anthropic.com"

/**
 * Creates the endpoint of the Messages API with the SDK. The SDK builds it from the given options only: every setting
 * that it would read from the environment or from a profile file is set.
 */
function createMessagesEndpoint(sdk: AnthropicSdk, options: AnthropicOptions): Promise<Endpoint> {
  const client = new sdk.Anthropic({
    apiKey: options.apiKey ?? null,
    authToken: options.authToken ?? null,
    webhookKey: null,
    baseURL: options.baseURL ?? anthropicAddress,
    // Without its own limit, a call waits. The agent's loop limits the time until the first token.
    timeout: options.timeoutMs ?? longestTimerMs,
    logLevel: "off",
    openTelemetry: false,
  })
  const own = { authorization: `Bearer ${options.apiKey ?? options.authToken}`, ...options.headers }
  return createEndpoint(client, "/v1/messages", { fromSdk: sdkHeaders, own })
}

/** Headers of the SDK. It takes any other header from `ANTHROPIC_CUSTOM_HEADERS`. */
const sdkHeaders = /^(accept|content-type|user-agent|anthropic-version|x-stainless-.+)$/
