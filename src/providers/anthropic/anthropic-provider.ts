import type { Anthropic } from "@anthropic-ai/sdk"
import { ConfigurationError } from "../../core/errors.ts"
import type { ModelEvent, ModelRequest, Provider } from "../../core/ports/provider.ts"
import { modelFailure } from "../model-failure.ts"
import { AnswerFold } from "./answer-fold.ts"
import { type AnthropicSdk, createClient } from "./client.ts"
import { toFailure } from "./failure.ts"
import { type AnthropicOptions, checkOptions } from "./options.ts"
import { messagesRequest } from "./request.ts"

/** `Anthropic.Model` also takes any string; this is only the ids that the SDK knows. */
type KnownModel = Anthropic.Model extends infer Model
  ? Model extends string
    ? Literal<Model>
    : never
  : never
type Literal<Text extends string> = string extends Text ? never : Text

const defaultModel = "claude-sonnet-5-5" satisfies KnownModel

const longestWaitForCloseMs = 100

/**
 * Claude by the Messages API and the official SDK, `@anthropic-ai/sdk`, which is loaded at the first call: if it is not
 * installed, that call throws a `ConfigurationError`.
 *
 * @param load Where the SDK comes from.
 * @throws ConfigurationError for options that are unknown or wrong.
 */
export function anthropicProvider(
  options: AnthropicOptions,
  load: () => Promise<AnthropicSdk> = () => import("@anthropic-ai/sdk"),
): Provider {
  checkOptions(options)
  let connection: Promise<Connection> | undefined
  const connected = () => {
    connection ??= connect(options, load)
    return connection
  }
  return {
    name: "anthropic",
    defaultModel,
    stream: (request, { signal }) => answer(connected, request, signal),
  }
}

interface Connection {
  readonly sdk: AnthropicSdk
  readonly client: Anthropic
  readonly options: AnthropicOptions
  readonly secrets: readonly string[]
}

async function connect(options: AnthropicOptions, load: () => Promise<AnthropicSdk>): Promise<Connection> {
  const sdk = await load().catch((cause: unknown) => {
    throw new ConfigurationError(
      "Install @anthropic-ai/sdk to use Claude models: npm install @anthropic-ai/sdk",
      { cause },
    )
  })
  const { apiKey = "", authToken = "", headers = {} } = options
  return {
    sdk,
    client: createClient(sdk, options),
    options,
    secrets: [apiKey, authToken, ...Object.values(headers)],
  }
}

async function* answer(
  connected: () => Promise<Connection>,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const connection = await connected()
  if (signal.aborted) return
  try {
    const stream = await open(connection, request, signal)
    const events = stream[Symbol.asyncIterator]()
    const fold = new AnswerFold()
    try {
      for (let next = await events.next(); !next.done; next = await events.next()) {
        const delta = fold.apply(next.value)
        if (delta !== null) yield delta
        if (fold.complete) {
          yield fold.end(request.model)
          return
        }
      }
    } finally {
      if (fold.complete) await readToEnd(events, stream)
      else await events.return?.()
    }
    if (signal.aborted) return
    yield modelFailure("upstream_cut", { detail: "The stream ended without message_stop." })
  } catch (error) {
    if (!signal.aborted) yield toFailure(error, connection.sdk, connection.secrets)
  }
}

type EventStream = Awaited<ReturnType<typeof open>>

async function open({ client, options }: Connection, request: ModelRequest, signal: AbortSignal) {
  const body = {
    ...options.extraBody,
    ...(options.thinking && { thinking: options.thinking }),
    ...messagesRequest(request),
  }
  const { data: stream, response } = await client.messages.create(body, { signal }).withResponse()
  const contentType = response.headers.get("content-type") ?? ""
  if (!/^text\/event-stream\b/i.test(contentType)) {
    stream.controller.abort()
    throw new Error(`The answer is no event stream, its content type is “${contentType}”.`)
  }
  return stream
}

/** The end of the body follows at once, and then the connection serves the next call; a service that holds it open loses it. */
async function readToEnd(events: AsyncIterator<unknown>, { controller }: EventStream): Promise<void> {
  const timer = setTimeout(() => controller.abort(), longestWaitForCloseMs)
  try {
    while (!(await events.next()).done);
  } catch {
    // The answer is whole; a connection that breaks now is simply not used again.
  } finally {
    clearTimeout(timer)
  }
}
