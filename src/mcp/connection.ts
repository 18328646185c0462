import {
  type CallToolResult,
  Client,
  type ElicitRequestParams,
  type ElicitResult,
  type LoggingLevel,
  type OAuthClientProvider,
  type Progress,
  SdkError,
  SdkErrorCode,
  type Tool as ServerTool,
} from "@modelcontextprotocol/client"
import { toError } from "../core/errors.ts"
import type { JsonObject } from "../core/json.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { ServerConfig } from "./config/server-config.ts"
import { openTransport } from "./transport.ts"

/** One connected client. Once it is lost it stays so: whoever wants to go on connects again. */
export interface Connection {
  readonly client: Client
  /** As last listed; the same array until the server says that they changed. */
  tools(): readonly ServerTool[]
  call(name: string, input: JsonObject, options: CallOptions): Promise<CallToolResult>
  /** Resolves with the reason when it has ended, whoever ended it. */
  readonly lost: Promise<string>
  /** Gives it up, for what a caller has seen. */
  lose(reason: string): void
  /** Resolves when nothing of it is left. */
  close(): Promise<void>
}

export interface CallOptions {
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly timeoutMs: number
  readonly onProgress: (progress: Progress) => void
}

export interface ConnectOptions {
  readonly identity: ClientIdentity
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly authProvider: OAuthClientProvider | null
  /** Null when there is nobody to ask, which the server is told. */
  readonly elicit: Elicit | null
}

export interface ClientIdentity {
  readonly name: string
  readonly version: string
}

/**
 * Puts a server's question to somebody: a form to fill in, or a page to visit. Aborted when the server's question is
 * over. https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export type Elicit = (
  question: ElicitRequestParams,
  context: { readonly server: string; readonly signal: AbortSignal },
) => Promise<ElicitResult>

/** Of one listing, in pages. A server whose pages never end is refused. */
const mostPages = 100

/** Connects, negotiates and lists the tools. Rejects with what went wrong; nothing is left open then. */
export async function connect(config: ServerConfig, options: ConnectOptions): Promise<Connection> {
  const { identity, logger, signal, authProvider, elicit } = options
  const fields = { server: config.name }
  const { lost, lose, unlessLost } = createEnding()
  const { transport, describe } = openTransport(config.transport, {
    authProvider,
    onStderr: (line) => logger.debug({ ...fields, line }, "an MCP server wrote to standard error"),
    onLost: lose,
  })
  let tools: readonly ServerTool[] = []
  const client = new Client(identity, {
    listMaxPages: mostPages,
    // Over HTTP both eras of the protocol are spoken; a process is asked in the way that all of them know.
    versionNegotiation: { mode: config.transport.type === "http" ? "auto" : "legacy" },
    listChanged: {
      tools: {
        onChanged(error, changed) {
          if (error !== null)
            logger.warn({ ...fields, error }, "the tools of an MCP server could not be listed")
          else if (changed !== null) {
            tools = changed
            logger.info({ ...fields, tools: changed.length }, "the tools of an MCP server have changed")
          }
        },
      },
    },
  })
  if (elicit !== null) answerQuestions(client, config.name, elicit)
  followLog(client, config.name, logger)
  client.onclose = () => lose(describe())
  client.onerror = (error) => {
    logger.debug({ ...fields, error }, "an MCP connection reported an error")
    // This transport opens its stream again by itself, but to a server that knows nothing of its requests.
    if (config.transport.type === "sse") lose(`the event stream broke: ${error.message}`)
  }
  const close = async () => {
    // Also when the client never took it, or has let go of it.
    await transport.close()
    await client.close()
    lose("it was closed")
  }
  const request = { signal, timeout: config.startTimeoutMs }
  const handshake = async () => {
    await client.connect(transport, request)
    tools = (await client.listTools(undefined, request)).tools
    await askForLog(client, request)
  }
  try {
    await unlessLost(handshake())
  } catch (thrown) {
    await close()
    throw explained(thrown, describe())
  }
  return {
    client,
    tools: () => tools,
    call: (name, input, { signal, timeoutMs: timeout, onProgress: onprogress }) =>
      unlessLost(client.callTool({ name, arguments: input }, { signal, timeout, onprogress })),
    lost,
    lose,
    close,
  }
}

/** The end of a connection, once and for all that wait on it. */
function createEnding() {
  const { promise: lost, resolve } = Promise.withResolvers<string>()
  const waiting = new Set<(error: SdkError) => void>()
  let reason: string | null = null
  return {
    lost,
    lose(why: string): void {
      reason ??= why
      resolve(reason)
      for (const reject of waiting) reject(connectionClosed(reason))
    },
    /** Rejects with `ConnectionClosed` when the result cannot come any more. */
    async unlessLost<Result>(work: Promise<Result>): Promise<Result> {
      const { promise: ended, reject } = Promise.withResolvers<never>()
      waiting.add(reject)
      if (reason !== null) reject(connectionClosed(reason))
      try {
        return await Promise.race([work, ended])
      } finally {
        waiting.delete(reject)
      }
    },
  }
}

function connectionClosed(reason: string): SdkError {
  return new SdkError(SdkErrorCode.ConnectionClosed, reason)
}

/** What a process wrote before it ended says more than that it ended. */
function explained(thrown: unknown, description: string): Error {
  const error = toError(thrown)
  const isClosed = SdkError.isInstance(error) && error.code === SdkErrorCode.ConnectionClosed
  return isClosed ? new Error(description, { cause: error }) : error
}

function answerQuestions(client: Client, server: string, elicit: Elicit): void {
  // What a form leaves open is filled in with the defaults of its schema.
  client.registerCapabilities({ elicitation: { form: { applyDefaults: true }, url: {} } })
  client.setRequestHandler("elicitation/create", ({ params }, { mcpReq: { signal } }) =>
    elicit(params, { server, signal }),
  )
}

const longestLogMessage = 2_000

const levels: Readonly<Record<LoggingLevel, keyof Logger>> = {
  debug: "debug",
  info: "info",
  notice: "info",
  warning: "warn",
  error: "error",
  critical: "error",
  alert: "error",
  emergency: "error",
}

function followLog(client: Client, server: string, logger: Logger): void {
  client.setNotificationHandler("notifications/message", ({ params: { level, data, logger: source } }) => {
    const text = typeof data === "string" ? data : (JSON.stringify(data) ?? "")
    const fields = { server, source, text: text.slice(0, longestLogMessage) }
    logger[levels[level]](fields, "an MCP server logged")
  })
}

/** Until it is told a level a server may send all or nothing. */
async function askForLog(client: Client, request: { signal: AbortSignal; timeout: number }): Promise<void> {
  if (client.getServerCapabilities()?.logging === undefined) return
  if (client.getProtocolEra() !== "legacy") return
  await client.setLoggingLevel("info", request)
}
