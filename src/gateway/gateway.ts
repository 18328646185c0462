import type { Readiness } from "../core/ports/readiness.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { GrantScope } from "../core/wait.ts"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import type { FinishedRun, HumanDecision } from "../features/headless/runs.ts"
import type { McpOptions } from "../features/mcp/options.ts"
import type { WireClient } from "../http/wire-client.ts"
import type { InferInput, InputSchema } from "../kernel/tools/input-schema.ts"
import type { OperationInput, OperationName, OperationOutput } from "../operations/operations.ts"
import type { GatewaySchedules } from "../operations/schedules.ts"
import type { LoggerOptions } from "../platform/logging/logger.ts"
import type { GatewayMemory } from "./operate/memory.ts"
import type { ModelProbe } from "./operate/probe-models.ts"
import type { GatewaySessions } from "./operate/sessions.ts"
import type { GatewayTools } from "./operate/tools.ts"
import type { ElicitationAnswer, GatewayWaits } from "./operate/waits.ts"
import type { StartOptions } from "./runs/run-options.ts"
import type { ChatStream } from "./runs/stream-run.ts"

/** An agent as a service. It opens at the first call of one of its methods. */
export interface Gateway {
  /**
   * Responds to one web-standard request, so it can be mounted anywhere. `bindings` may be those of a Hono adapter.
   * They contain the client's network address.
   */
  fetch(request: Request, bindings?: object): Promise<Response>
  /** Serves HTTP on Node. Rejects with the system's error if the address cannot be used. */
  listen(options?: ListenOptions): Promise<Listener>
  /**
   * Sends one message without HTTP, in a new session or in the session `sessionId`, and waits for the end of its run.
   * An abort cancels the run, and the result reports it. A callback that throws also cancels the run, and the promise
   * rejects with that error. Rejects with a `GatewayError` if the message is not accepted: `session_not_found`,
   * `agent_not_found`, `run_active`, `queue_full`, `session_too_large`. Rejects with a `ConfigurationError` if
   * `output` is not a schema of an object.
   */
  run<Schema extends OutputSchema = never>(
    message: string,
    options?: RunOptions<Schema>,
  ): Promise<GatewayRunResult<InferOutput<Schema>>>
  /**
   * Acts like `run`, and streams the events that a client of the HTTP API receives, without heartbeats. The run
   * starts at once. It is canceled if the iteration stops before its last event, or if `signal` aborts. The iteration
   * rejects as `run` does. It rejects with `shutting_down` if the gateway is closed before the run has ended. The run
   * then resumes at the next start.
   */
  stream(message: string, options?: StreamOptions): ChatStream
  /**
   * Runs an operation for operators with all scopes and for all tenants, such as `sessions.list`. Its input and its
   * result are those of the same operation over HTTP. Rejects with a `GatewayError` with the same `code`.
   */
  operate<Name extends OperationName>(
    name: Name,
    input: OperationInput<Name>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<OperationOutput<Name>>
  readonly waits: GatewayWaits
  /** Calls of tools without a model. */
  readonly tools: GatewayTools
  /** Schedules of all agents and owners. */
  readonly schedules: GatewaySchedules
  readonly sessions: GatewaySessions
  /** Facts about users that outlive sessions, even if no agent has the option `memory`. */
  readonly memory: GatewayMemory
  /** The served agents. The first one is the default. */
  readonly agents: readonly ServedAgent[]
  /** The protocols beside the HTTP API, with the paths that their clients receive on the gateway's own server. */
  readonly wires: readonly WireClient[]
  /** Refuses the session's tokens from now on and cancels its open run. Resolves to true if the session exists. */
  revokeSession(sessionId: string): Promise<boolean>
  /**
   * Refuses all tokens that the user has now, of sessions and of the user: in this process at once, in others within
   * five seconds. `principal` has the `tenant` and the `userId` of the user's sessions.
   */
  revokeUser(principal: Principal): Promise<void>
  /**
   * Creates a new key for session tokens and resolves to its id. Tokens signed before stay valid until they expire,
   * or until `removeKey` is called with the id of the earlier key (the `kid` in their header). Cannot be used with a
   * `jwtSecret`.
   */
  rotateKeys(): Promise<string>
  /**
   * Invalidates every token that this key signed: in this process at once, in others within five seconds. Resolves to
   * true if there was such a key. The newest key cannot be removed. For up to five seconds after another process has
   * rotated the key, a process may sign with the earlier one.
   */
  removeKey(id: string): Promise<boolean>
  /**
   * Opens the store and chooses the model now, to find errors before the first use. Rejects with a
   * `ConfigurationError` if a model, its SDK, its key, or a price required by a budget is missing.
   */
  prepare(options?: PrepareOptions): Promise<void>
  /** Returns the response of `GET /ready`: each part that the gateway needs, and its state. */
  readiness(options?: ReadinessOptions): Promise<Readiness>
  /**
   * Calls each model of each agent once, for a response of at most 16 tokens. Reports whether the model responds and
   * what the call cost. Agents whose runs choose their own models are left out, and so are runners. The probe starts
   * no run and does not count against any budget.
   */
  probeModels(options?: { readonly signal?: AbortSignal }): Promise<readonly ModelProbe[]>
  /**
   * Refuses new work, lets active runs continue for `graceMs`, and parks the rest, which resumes at the next start.
   * Running tools, runners and hooks then have two seconds to stop, while MCP servers and sandboxes are stopped.
   * Resolves when everything is closed. May be called again.
   */
  close(options?: CloseOptions): Promise<void>
}

export interface ServedAgent {
  readonly name: string
  /** The options of its MCP servers, unchanged. */
  readonly mcp: McpOptions
}

export interface ListenOptions {
  /** Default 8000. With 0, the system chooses a port. */
  readonly port?: number
  /**
   * Default `127.0.0.1`. An address that other machines can reach requires API keys, `authenticate` or `allowAnyKey`.
   */
  readonly host?: string
  /** Overrides the option of the same name. Default: that option. */
  readonly allowAnyKey?: boolean
  /** An abort closes the listener, but not the gateway. */
  readonly signal?: AbortSignal
}

export interface Listener {
  readonly url: string
  /** Address of the HTTP API: `url` with the option `prefix`. */
  readonly apiUrl: string
  readonly port: number
  /** Address of the console. Null if the console is off, or if no one who reaches the listener may use it. */
  readonly consoleUrl: string | null
  close(): Promise<void>
}

export interface PrepareOptions {
  /**
   * The command that opens the gateway. `start` and `run` require a configured model. `dev` lets pages from localhost
   * call the gateway. Default: no command, and the gateway chooses a model if none is configured.
   */
  readonly mode?: "dev" | "start" | "run"
  /**
   * Level, form and destination of the log. A logger of the options takes precedence, unless the level is `silent`.
   * Default: level `debug` in `dev` and `info` otherwise, and the other defaults of `createLogger`.
   */
  readonly log?: LogOptions
  /** Turns the console on or off, whatever the option `console` is. Default: that option. */
  readonly console?: boolean
  /**
   * Environment variables with the keys of providers, used if the agent names no provider. Default: those of the
   * process.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * If true, the gateway only inspects the store: it continues no open runs, starts none, and removes no old data.
   * Default false.
   */
  readonly idle?: boolean
}

export type LogOptions = Omit<LoggerOptions, "redact">

export interface ReadinessOptions {
  /**
   * If true, the result includes confidential details: why an MCP server failed, and the link to authorize it.
   * Default false.
   */
  readonly forOperator?: boolean
}

/** The schema of an output: an object, in any form that a tool's input schema may have. */
export type OutputSchema = InputSchema

/** The output after its schema's transforms and defaults. */
export type InferOutput<Schema extends OutputSchema> = InferInput<Schema>

export interface RunOptions<Schema extends OutputSchema = never> extends StartOptions {
  /**
   * Requests a response that matches the schema. If it does not match, the model has one more try. Then the run fails
   * with `output_invalid`. Default: the response is text.
   */
  readonly output?: Schema
  /** Called with each event of the run, as a client of the HTTP API receives it. */
  readonly onEvent?: (event: ChatEvent) => void
  /** Called with the model's text as it arrives, with a blank line between messages. */
  readonly onText?: (text: string) => void
  /**
   * Called if a model call failed and the model writes its message again. The text since the end of the last message
   * is discarded.
   */
  readonly onRetry?: (error: { readonly code: string; readonly message: string }) => void
  /**
   * Called for each call that a person must allow. If edited arguments do not match the tool's schema, the call is
   * denied. Default: the call is denied, because there is no person to ask. If it returns null, the approval stays
   * open for an answer from elsewhere.
   */
  readonly onApproval?: (wait: Wait) => ApprovalAnswer | null | Promise<ApprovalAnswer | null>
  /**
   * Called for each question of a tool: `wait.question`. If a form does not match its schema, the question is
   * declined. Default: the question is declined, because there is no person to ask. If it returns null, the question
   * stays open.
   */
  readonly onElicitation?: (wait: Wait) => ElicitationAnswer | null | Promise<ElicitationAnswer | null>
  /**
   * If true, approvals and questions without a callback above stay open. When the run waits only for people, `run`
   * resolves with the outcome `parked`. After the answers, another process, or the same call with the same `jobId`,
   * continues the run. Default false.
   */
  readonly park?: boolean
  /**
   * Seconds to wait, after the end of the run, for the background tasks that it started. Those that still run are
   * then canceled, and `cancelledTasks` of the result names them. At most 86 400. Default: `run` does not wait for
   * tasks, and they continue.
   */
  readonly backgroundWaitSeconds?: number
}

export interface StreamOptions extends StartOptions {
  /**
   * Called for each call that a person must allow. Default: the approval stays open. Answer it with `gateway.waits`,
   * or let a client of the HTTP API answer.
   */
  readonly onApproval?: (wait: Wait) => ApprovalAnswer | Promise<ApprovalAnswer>
  /** Called for each question of a tool. Default: the question stays open, like an approval. */
  readonly onElicitation?: (wait: Wait) => ElicitationAnswer | Promise<ElicitationAnswer>
}

export interface ApprovalAnswer extends HumanDecision {
  /** If true, allows the tool type for the rest of the session. Cannot be used with edited arguments. */
  readonly allowToolType?: boolean
  /** The sessions that `allowToolType` applies to: the session of the tool, or its whole tree. Default `session`. */
  readonly scope?: GrantScope
}

export interface CloseOptions {
  /** Default: the option `shutdownGraceMs`. */
  readonly graceMs?: number
}

export interface GatewayRunResult<Output = never> extends FinishedRun {
  /**
   * The output after its schema's transforms and defaults. Null without a schema, and unless the run is completed.
   */
  readonly output: Output | null
  /** Text that `onMaxTurns` returned. Null if it returned none, and if the run did not reach its maximum of turns. */
  readonly summary: string | null
  /** Names of the sub-agents whose background tasks were canceled after `backgroundWaitSeconds`. */
  readonly cancelledTasks: readonly string[]
}
