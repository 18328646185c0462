import {
  type CallToolResult,
  Client,
  type InputRequiredResult,
  type JsonSchemaValidatorResult,
  type jsonSchemaValidator as JsonSchemaValidators,
  type Progress,
  SdkError,
  SdkErrorCode,
  type Tool as ServerTool,
  type Transport,
} from "@modelcontextprotocol/client"
import { GatewayError, toError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { longestTimerMs } from "../../core/time/longest-timer.ts"
import { classifyFailure } from "./call-failure.ts"
import type { ServerConfig } from "./config/server-config.ts"
import { type Asker, type Askers, createAskers } from "./elicitation/askers.ts"
import { declined, toElicitResult, toQuestion } from "./elicitation/question.ts"
import type { InputReply } from "./elicitation/rounds.ts"
import type { Authorizer } from "./http/authorizer.ts"
import { addListingDigests, readToolDigest } from "./identity/listing-digest.ts"
import { askForLog, createLogMeta, createServerLog } from "./server-log.ts"
import { truncateText } from "./short-text.ts"
import { createRelisting } from "./tools/relisting.ts"
import { openTransport } from "./transport.ts"

/** One connected client. It cannot be used again after it was lost. Callers must then connect again. */
export interface Connection {
  readonly client: Client
  /** Returns the tools that were last listed. Returns the same array until the server has listed other tools. */
  tools(): readonly ServerTool[]
  /** Calls a tool. If the server has announced other tools, first waits for their list, for at most 10 seconds. */
  call(name: string, input: JsonObject, options: CallOptions): Promise<CallResult>
  /** Runs requests other than tool calls. Rejects with `ConnectionClosed` if the connection is lost meanwhile. */
  use<Result>(work: (client: Client) => Promise<Result>): Promise<Result>
  /** Resolves with the reason when the connection has ended, whichever side ended it. */
  readonly lost: Promise<string>
  /** Gives up the connection after a failure that a caller has seen. */
  lose(reason: string): void
  /** Resolves when the connection is completely closed. */
  close(): Promise<void>
}

/** The result of a call. After an `InputRequiredResult`, the call is sent again with a reply. */
export type CallResult = CallToolResult | InputRequiredResult

export interface CallOptions {
  /** Digest of the tool as its caller knows it. If the tool now has another digest, the server is not called. */
  readonly digest: string
  /** Ends the call. There is no other time limit, because the caller's limit pauses while the user is asked. */
  readonly signal: AbortSignal
  /** W3C Trace Context of the run. Null for none. */
  readonly traceparent: string | null
  /** Handles questions of the server during the call. */
  readonly asker: Asker
  /** The answers to an `InputRequiredResult`. */
  readonly reply: InputReply
  readonly onProgress: (progress: Progress) => void
}

export interface ConnectOptions {
  readonly identity: ClientIdentity
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly authorizer: Authorizer | null
}

export interface ClientIdentity {
  readonly name: string
  readonly version: string
}

/** Maximum number of pages of one listing. A server whose pages never end is refused. */
const mostPages = 100
/** Milliseconds between the announcement of a changed tool list and its reading. */
const relistPauseMs = 300
/** Maximum milliseconds that a call waits for an announced list. */
const relistBoundMs = 10_000
/** Maximum characters of a server's error message in the log. */
const maxReasonCharacters = 2_000

/** Connects, negotiates and lists the tools. If this fails, closes everything and rejects with the reason. */
export async function connect(config: ServerConfig, options: ConnectOptions): Promise<Connection> {
  const { identity, logger, signal, authorizer } = options
  const fields = { server: config.name }
  const { lost, lose, unlessLost } = createEnding()
  const serverLog = createServerLog(config.name, logger)
  const { transport, describe } = openTransport(config.transport, {
    authorizer,
    onStderr: serverLog.onStderr,
    onLost: lose,
  })
  let tools: readonly ServerTool[] = []
  const askers = createAskers()
  const client = new Client(identity, {
    capabilities: { elicitation: { form: {}, url: {} } },
    listMaxPages: mostPages,
    jsonSchemaValidator: uncheckedResults,
    versionNegotiation: { mode: config.negotiation },
    // The SDK's own refresh is off, because it does not report its end.
    listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => relisting.announce() } },
  })
  const ended = new AbortController()
  void lost.then(() => ended.abort())
  const relisting = createRelisting({
    pauseMs: relistPauseMs,
    boundMs: relistBoundMs,
    signal: ended.signal,
    async read() {
      try {
        tools = (await client.listTools(undefined, { cacheMode: "refresh", signal: ended.signal })).tools
        logger.info({ ...fields, tools: tools.length }, "The tools of an MCP server have changed.")
      } catch (thrown) {
        const reason = truncateText(toError(thrown).message, maxReasonCharacters)
        logger.warn({ ...fields, reason }, "The tools of an MCP server could not be listed.")
      }
    },
  })
  answerQuestions(client, askers, { server: config.name, logger })
  serverLog.follow(client)
  client.onclose = () => lose(describe())
  client.onerror = (error) => {
    const reason = truncateText(error.message, maxReasonCharacters)
    logger.debug({ ...fields, reason }, "An MCP connection reported an error.")
    // This transport reopens its stream by itself, but to a server that does not know its requests. A failure that
    // needs a person or an authorization server is reported to the call, which was not executed.
    const isRefused = error instanceof GatewayError || classifyFailure(error) === "unauthorized"
    if (config.transport.type === "sse" && !isRefused) lose(`the event stream broke: ${reason}`)
  }
  const close = async () => {
    // The transport is closed even if the client never used it, or has already released it.
    await transport.close()
    await client.close()
    lose("it was closed")
  }
  const request = { signal, timeout: config.startTimeoutMs }
  const shakeHands = async () => {
    await client.connect(transport, request)
    addListingDigests(transport, config)
    handOverInTurn(transport)
    tools = (await client.listTools(undefined, request)).tools
    // This is not awaited, because the server's log is not needed to work with the server.
    void askForLog(client, { server: config.name, logger })
  }
  const giveUp = () => lose(describeSlowStart(config))
  // Not every step of the SDK respects the signal.
  signal.addEventListener("abort", giveUp)
  if (signal.aborted) giveUp()
  try {
    await unlessLost(shakeHands())
  } catch (thrown) {
    await close()
    throw signal.aborted ? toError(thrown) : explainError(thrown, describe())
  } finally {
    signal.removeEventListener("abort", giveUp)
  }
  return {
    client,
    tools: () => tools,
    call: async (name, input, { digest, signal, traceparent, asker, reply, onProgress: onprogress }) => {
      const params = { name, arguments: input, ...reply, ...callMeta(client, traceparent) }
      // The call was allowed for the tool as it was last listed.
      await unlessLost(relisting.settled(signal))
      signal.throwIfAborted()
      const definition = tools.find((tool) => tool.name === name)
      if (definition === undefined || readToolDigest(definition) !== digest)
        throw createToolChanged(config.name)
      const request = {
        signal,
        timeout: longestTimerMs,
        onprogress,
        ...separateQuestions(client, definition),
      }
      return unlessLost(askers.during(asker, () => client.callTool(params, request)))
    },
    use: (work) => unlessLost(work(client)),
    lost,
    lose,
    close,
  }
}

/**
 * Describes a start that exceeded its time limit. A process often waits for a download that its environment prevents.
 */
function describeSlowStart({ startTimeoutMs, transport }: ServerConfig): string {
  const what = `it did not start within ${startTimeoutMs} ms`
  if (transport.type !== "stdio") return what
  return (
    `${what}. If it downloads its program first, start it once in a terminal, or raise startTimeoutMs. ` +
    "It receives only a few environment variables: set others, such as HTTPS_PROXY, in its env"
  )
}

/**
 * Returns the metadata of a call. The key of the trace is that of SEP-414 of the MCP specification. An HTTP transport
 * also sends it as a header.
 */
function callMeta(client: Client, traceparent: string | null) {
  const { _meta } = createLogMeta(client)
  const meta = { ..._meta, ...(traceparent !== null && { traceparent }) }
  return Object.keys(meta).length === 0 ? {} : { _meta: meta }
}

/**
 * Delivers messages one in each turn of the event loop. The client handles a response at once, and a notification in
 * the next microtask. If both arrive together, as on a busy machine, the notification of a call's progress would
 * otherwise find the call ended.
 */
function handOverInTurn(transport: Transport): void {
  const { onmessage } = transport
  let turn = Promise.resolve()
  transport.onmessage = (message, extra) => {
    turn = turn
      .then(() => onmessage?.(message, extra))
      .catch((thrown: unknown) => transport.onerror?.(toError(thrown)))
  }
}

/** Creates the end of a connection, which happens once for all that wait for it. */
function createEnding() {
  const { promise: lost, resolve } = Promise.withResolvers<string>()
  const waiting = new Set<(error: SdkError) => void>()
  let reason: string | null = null
  return {
    lost,
    lose(why: string): void {
      reason ??= why
      resolve(reason)
      for (const reject of waiting) reject(createConnectionClosed(reason))
    },
    /** Rejects with `ConnectionClosed` if the connection is lost before the result. */
    async unlessLost<Result>(work: Promise<Result>): Promise<Result> {
      const { promise: ended, reject } = Promise.withResolvers<never>()
      waiting.add(reject)
      if (reason !== null) reject(createConnectionClosed(reason))
      try {
        return await Promise.race([work, ended])
      } finally {
        waiting.delete(reject)
      }
    },
  }
}

/**
 * Returns the error for a call whose tool has changed. A lost server may return with other tools while a call waits
 * for it.
 */
function createToolChanged(server: string): GatewayError {
  const message =
    `The server ${server} changed the tool before it was called, so the call did not run. Read its ` +
    "current description, and call it again if you still need it."
  return new GatewayError({ code: "tool_changed", status: 409 }, message)
}

function createConnectionClosed(reason: string): SdkError {
  return new SdkError(SdkErrorCode.ConnectionClosed, reason)
}

/** Adds a process's last output to its error, because the output explains more than the exit alone. */
function explainError(thrown: unknown, description: string): Error {
  const error = toError(thrown)
  const isClosed = SdkError.isInstance(error) && error.code === SdkErrorCode.ConnectionClosed
  return isClosed ? new Error(description, { cause: error }) : error
}

/** Answers the questions that a server asks during a call, in revisions before 2026-07-28. */
function answerQuestions(
  client: Client,
  askers: Askers,
  { server, logger }: { readonly server: string; readonly logger: Logger },
): void {
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    // In later revisions, the result of a call contains its questions. Questions of other requests, such as for a
    // resource, are declined.
    const asker = client.getProtocolEra() === "legacy" ? askers.current() : null
    const question = toQuestion(params)
    if (asker !== null && question !== null) return toElicitResult(await asker.ask(question))
    logger.warn(
      { server, mode: params.mode },
      "A question of an MCP server was declined, because it must not be shown.",
    )
    return declined
  })
}

/** Disables the SDK's check of structured results. The tools check them, outside this thread. */
const uncheckedResults: JsonSchemaValidators = {
  getValidator<Value>() {
    return (value: unknown): JsonSchemaValidatorResult<Value> => {
      return { valid: true, data: value as Value, errorMessage: undefined }
    }
  },
}

/**
 * Passes questions in a call's result to the caller. The SDK would refuse them if the tool has an output schema.
 * Servers of this revision check their results themselves.
 */
function separateQuestions(
  client: Client,
  definition: ServerTool | undefined,
): { readonly allowInputRequired?: true; readonly toolDefinition?: ServerTool } {
  if (client.getProtocolEra() === "legacy") return {}
  if (definition?.outputSchema === undefined) return { allowInputRequired: true }
  const { outputSchema: _unchecked, ...toolDefinition } = definition
  return { allowInputRequired: true, toolDefinition }
}
