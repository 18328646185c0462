import type { Client, Tool as ServerTool } from "@modelcontextprotocol/client"
import { CallInterruptedError, GatewayError, toError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { sleep } from "../../core/time/sleep.ts"
import { computeBackoff } from "../../platform/backoff/backoff.ts"
import { classifyFailure } from "./call-failure.ts"
import type { ServerConfig } from "./config/server-config.ts"
import {
  type CallOptions,
  type CallResult,
  type Connection,
  type ConnectOptions,
  connect,
} from "./connection.ts"
import type { Authorizer } from "./http/authorizer.ts"
import { truncateText } from "./short-text.ts"
import { describeStartFailure } from "./start-failure.ts"

export type McpServerState =
  | { readonly status: "starting" }
  | { readonly status: "ready"; readonly tools: number }
  /** The gateway retries. `reason` is for the log, and must not be shown to clients. */
  | { readonly status: "failed"; readonly reason: string }
  /** A person must authorize the gateway. */
  | { readonly status: "needs_reauth"; readonly url: string | null }
  | { readonly status: "stopped" }

export interface McpServerOptions extends Omit<ConnectOptions, "signal" | "authorizer"> {
  readonly authorization: Authorization | null
}

/** The external parts that an HTTP server's OAuth needs. */
export interface Authorization {
  readonly authorizer: Authorizer
  /** Returns the address that a person must visit. Null if no person was asked to. */
  url(): string | null
  /** Resolves when a person has authorized the gateway, or when another try may succeed. */
  granted(signal: AbortSignal): Promise<void>
  /** Releases the authorization when the server is stopped. */
  release(): void
}

export interface RepeatableCall extends CallOptions {
  /** If true, the call may safely be executed twice. */
  readonly repeatable: boolean
}

/** A server in the form that its tools use. */
export type ServerHandle = Pick<
  McpServer,
  "config" | "state" | "tools" | "instructions" | "settled" | "call" | "use"
>

const startBackoff = { firstMs: 200, maxMs: 60_000 }
/** Milliseconds without a failure after which the next pause is the first one again. */
const steadyMs = 30_000
/** Maximum milliseconds that a call waits for a server that is restarting. */
const patienceMs = 15_000
/** Maximum characters of the reason why a server failed, which may quote the server's output. */
const maxReasonCharacters = 4_000

/** One server that is kept connected. It starts when it is created, and restarts whenever it ends. */
export class McpServer {
  readonly config: ServerConfig
  readonly #options: McpServerOptions
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #state: McpServerState = { status: "starting" }
  #connection: Connection | null = null
  #tools: readonly ServerTool[] = []
  #instructions: string | null = null
  #calls = 0
  #change = Promise.withResolvers<void>()

  constructor(config: ServerConfig, options: McpServerOptions) {
    this.config = config
    this.#options = options
    this.#logger = options.logger
    this.#running = this.#keepConnected()
  }

  get state(): McpServerState {
    return this.#state
  }

  /**
   * Returns the tools that were last listed, even while the server is away. Returns the same array until they change.
   */
  get tools(): readonly ServerTool[] {
    if (this.#connection !== null) this.#tools = this.#connection.tools()
    return this.#tools
  }

  /** If true, a call is in flight. */
  get busy(): boolean {
    return this.#calls > 0
  }

  get instructions(): string | null {
    return this.#instructions
  }

  /** Resolves when the first start has succeeded or failed. */
  async settled(): Promise<void> {
    while (this.#state.status === "starting") await this.#change.promise
  }

  /**
   * Resolves to the connection, now or soon. Rejects with a `GatewayError` (`mcp_unavailable`, `mcp_needs_reauth`).
   */
  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection !== null) return this.#connection
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    while (this.#connection === null) {
      signal.throwIfAborted()
      if (patience.aborted || this.#state.status === "stopped") throw this.#unavailable()
      if (this.#state.status === "needs_reauth") throw this.#unauthorized()
      await Promise.race([this.#change.promise, waitForAbort(patience)])
    }
    return this.#connection
  }

  /**
   * Calls a tool. If a call was certainly not executed, or may be executed twice, it is sent once more over a new
   * connection. Rejects with `CallInterruptedError` if it is unknown whether the call was executed.
   */
  async call(name: string, input: JsonObject, options: RepeatableCall): Promise<CallResult> {
    return this.#recovering(options, (connection) => connection.call(name, input, options))
  }

  /**
   * Sends a request that only reads. If the connection is lost meanwhile, sends it once more over a new connection.
   */
  async use<Result>(work: (client: Client) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    return this.#recovering({ signal, repeatable: true }, (connection) => connection.use(work))
  }

  async #recovering<Result>(
    { signal, repeatable }: Pick<RepeatableCall, "signal" | "repeatable">,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connected(signal)
      this.#calls += 1
      try {
        return await work(connection)
      } catch (thrown) {
        signal.throwIfAborted()
        const failure = classifyFailure(thrown)
        if (failure === "answered") throw thrown
        if (failure === "unauthorized") {
          void this.#untilAuthorized(connection)
          throw this.#unauthorized(thrown)
        }
        connection.lose(toError(thrown).message)
        this.#leave(connection)
        if (attempt === 1 && (failure === "notExecuted" || repeatable)) continue
        if (failure === "notExecuted") throw this.#unavailable(thrown)
        throw new CallInterruptedError(this.config.name, { cause: thrown })
      } finally {
        this.#calls -= 1
      }
    }
  }

  /** Resolves when the server is completely stopped. Calls in flight end as interrupted. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#options.authorization?.release()
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#stopping
    const fields = { server: this.config.name }
    let failures = 0
    while (!signal.aborted) {
      try {
        const connection = await this.#connect()
        const since = performance.now()
        const reason = truncateText(await this.#untilLost(connection), maxReasonCharacters)
        if (signal.aborted) break
        this.#logger.warn({ ...fields, reason }, "An MCP server was lost. The gateway restarts it.")
        failures = performance.now() - since > steadyMs ? 1 : failures + 1
        this.#become({ status: "failed", reason })
      } catch (thrown) {
        if (signal.aborted) break
        failures += 1
        if (await this.#askedForAuthorization(thrown)) continue
        const reason = truncateText(describeStartFailure(thrown, this.config.transport), maxReasonCharacters)
        this.#logger.warn(
          { ...fields, reason, attempt: failures },
          "An MCP server does not start. The gateway tries again.",
        )
        this.#become({ status: "failed", reason })
      }
      await sleep(computeBackoff(failures - 1, startBackoff), signal)
    }
    this.#become({ status: "stopped" })
  }

  async #connect(): Promise<Connection> {
    const { authorization, ...options } = this.#options
    const timeout = AbortSignal.timeout(this.config.startTimeoutMs)
    const connection = await connect(this.config, {
      ...options,
      signal: AbortSignal.any([this.#stopping.signal, timeout]),
      authorizer: authorization?.authorizer ?? null,
    })
    this.#connection = connection
    this.#tools = connection.tools()
    this.#instructions = connection.client.getInstructions() ?? null
    const tools = this.#enabledTools()
    const disabled = this.#tools.length - tools
    this.#logger.info(
      { server: this.config.name, tools, ...(disabled > 0 && { disabled }) },
      "An MCP server is ready.",
    )
    this.#become({ status: "ready", tools })
    return connection
  }

  async #untilLost(connection: Connection): Promise<string> {
    const { signal } = this.#stopping
    const stop = () => connection.lose("the gateway stops")
    signal.addEventListener("abort", stop)
    if (signal.aborted) stop()
    const reason = await connection.lost
    signal.removeEventListener("abort", stop)
    this.#leave(connection)
    await connection.close()
    return reason
  }

  /** Retires this connection, so that no further call uses it. */
  #leave(connection: Connection): void {
    if (this.#connection !== connection) return
    this.#tools = connection.tools()
    this.#connection = null
  }

  async #askedForAuthorization(thrown: unknown): Promise<boolean> {
    const { authorization } = this.#options
    if (authorization === null || classifyFailure(thrown) !== "unauthorized") return false
    await this.#waitForAuthorization(authorization)
    return true
  }

  /**
   * Keeps the connection. Requests that need no further authorization continue, and the others do so after the
   * authorization.
   */
  async #untilAuthorized(connection: Connection): Promise<void> {
    const { authorization } = this.#options
    if (authorization === null || this.#state.status === "needs_reauth") return
    await this.#waitForAuthorization(authorization)
    if (this.#connection === connection) this.#become({ status: "ready", tools: this.#enabledTools() })
  }

  async #waitForAuthorization(authorization: Authorization): Promise<void> {
    const url = authorization.url()
    this.#logger.warn(
      { server: this.config.name, url },
      "A person must authorize the gateway at an MCP server.",
    )
    this.#become({ status: "needs_reauth", url })
    await authorization.granted(this.#stopping.signal)
  }

  /** Counts the tools that the configuration enables. */
  #enabledTools(): number {
    return this.#tools.filter(({ name }) => this.config.isEnabled(name)).length
  }

  #become(state: McpServerState): void {
    this.#state = state
    const { resolve } = this.#change
    this.#change = Promise.withResolvers()
    resolve()
  }

  #unavailable(cause?: unknown): GatewayError {
    const kind = { code: "mcp_unavailable", status: 503, retryable: true }
    return new GatewayError(kind, `The server ${this.config.name} cannot be reached. It was not called.`, {
      cause,
    })
  }

  #unauthorized(cause?: unknown): GatewayError {
    const kind = { code: "mcp_needs_reauth", status: 503 }
    const message = `The server ${this.config.name} requires authorization by a person. It was not called.`
    return new GatewayError(kind, message, { cause })
  }
}

async function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
}
