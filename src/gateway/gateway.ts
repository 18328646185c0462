import type { ChatEvent } from "../client/wire/chat-event.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { Wait } from "../core/ports/approvals.ts"
import type { Cost, Usage } from "../core/usage.ts"
import type { GrantScope } from "../core/wait.ts"
import type { Readiness } from "../http/readiness.ts"
import type { McpOptions } from "../mcp/options.ts"
import type { InferInput, InputSchema } from "../tools/input-schema.ts"
import type { GatewayMemory } from "./operate/memory.ts"
import type { GatewayOutbox } from "./operate/outbox.ts"
import type { ModelProbe } from "./operate/probe-models.ts"
import type { GatewaySchedules } from "./operate/schedules.ts"
import type { GatewaySessions } from "./operate/sessions.ts"
import type { ElicitationAnswer, GatewayWaits } from "./operate/waits.ts"
import type { StartOptions } from "./runs/run-options.ts"
import type { ChatStream } from "./runs/stream-run.ts"

/** An agent as a service. Nothing is opened before the first call of one of its methods. */
export interface Gateway {
  /**
   * Answers one web-standard request, so that it mounts anywhere. `bindings` may be those of a Hono adapter: from
   * them the client's network address is known.
   */
  fetch(request: Request, bindings?: object): Promise<Response>
  /** Serves HTTP on Node. Rejects with the system's error when the address cannot be used. */
  listen(options?: ListenOptions): Promise<Listener>
  /**
   * Sends one message in a new session, or in the session of `sessionId`, without HTTP, and waits for the end of its
   * run. Aborting cancels the run; the result then says so. A callback that throws cancels it too, and the promise
   * rejects with what was thrown. Rejects with a `GatewayError` if the message is not accepted: `session_not_found`,
   * `agent_not_found`, `run_active`, `queue_full`, `session_too_large`. Rejects with a `ConfigurationError` for an
   * `output` that cannot describe an answer.
   */
  run<Schema extends OutputSchema = never>(
    message: string,
    options?: RunOptions<Schema>,
  ): Promise<GatewayRunResult<InferOutput<Schema>>>
  /**
   * Does the same as `run`, and streams the events that a client of the HTTP API is sent, without heartbeats. The run
   * starts at once. Leaving the iteration before its last event cancels the run, as does `signal`. The iteration
   * rejects as `run` does, and with `shutting_down` if the gateway is closed before the run has ended; the run then
   * goes on at the next start.
   */
  stream(message: string, options?: StreamOptions): ChatStream
  readonly waits: GatewayWaits
  /** Items that sessions want delivered outside themselves and that could not be delivered yet. */
  readonly outbox: GatewayOutbox
  /** Schedules of all agents and owners. */
  readonly schedules: GatewaySchedules
  readonly sessions: GatewaySessions
  /** Facts about users that outlive sessions, whether an agent has the option `memory` or not. */
  readonly memory: GatewayMemory
  /** The agents that it serves; the first one is the default. */
  readonly agents: readonly ServedAgent[]
  /** Refuses the session's tokens from now on and cancels its open run. Resolves to whether there is such a session. */
  revokeSession(sessionId: string): Promise<boolean>
  /**
   * Makes a new key for session tokens and resolves to its id. Tokens signed before hold until they expire, or until
   * `removeKey` is called with the former key's id (the `kid` in their header). Not with a `jwtSecret`.
   */
  rotateKeys(): Promise<string>
  /**
   * Ends every token that this key signed: in this process at once, in others within five seconds. Resolves to whether
   * there was such a key; the newest cannot be removed. A process may sign with the former key for five seconds after
   * another one has rotated it.
   */
  removeKey(id: string): Promise<boolean>
  /**
   * Opens the store and chooses the model now, so that what cannot work is known before it is needed. Rejects with a
   * `ConfigurationError` for want of a model, its SDK, a key, or a price under a budget.
   */
  prepare(options?: PrepareOptions): Promise<void>
  /** Returns the answer of `GET /ready`: each part that the gateway needs, and its state. */
  readiness(options?: ReadinessOptions): Promise<Readiness>
  /**
   * Calls each model of each agent once, for a response of at most 16 tokens, and reports whether it responds and what
   * that cost. Leaves out agents whose runs choose their own models, and runners. No run is started, and no budget counts it.
   */
  probeModels(options?: { readonly signal?: AbortSignal }): Promise<readonly ModelProbe[]>
  /**
   * Refuses new work, lets active runs continue for `graceMs`, and parks the rest, which resumes at the next start.
   * Tools, runners and hooks that are still running then have two seconds to stop, while MCP servers and sandboxes
   * are stopped. Resolves when everything is closed, also when called again.
   */
  close(options?: CloseOptions): Promise<void>
}

export interface ServedAgent {
  readonly name: string
  /** The options of its MCP servers, as they were given. */
  readonly mcp: McpOptions
}

export interface ListenOptions {
  /** Default 8000; 0 lets the system choose. */
  readonly port?: number
  /** Default `127.0.0.1`. Another machine's reach needs API keys, `authenticate` or `allowAnyKey`. */
  readonly host?: string
  /** As the option of the same name. Default: that option. */
  readonly allowAnyKey?: boolean
  /** Aborting closes the listener, not the gateway. */
  readonly signal?: AbortSignal
}

export interface Listener {
  readonly url: string
  readonly port: number
  /** Address of the console. Null if the console is off, or no one who reaches the listener may use it. */
  readonly consoleUrl: string | null
  close(): Promise<void>
}

export interface PrepareOptions {
  /**
   * The command that opens the gateway. `start` and `run` require a configured model and refuse to guess one. `dev`
   * lets pages from localhost call the gateway. Default: none of them; a model is guessed if none is configured.
   */
  readonly mode?: "dev" | "start" | "run"
  /** Turns the console on or off, whatever the option `console` is. Default: that option. */
  readonly console?: boolean
  /**
   * Environment variables in which keys of model services are looked for if the agent names no provider. Default: the
   * process's.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * For a look at it only: takes up no run that was left open or that others begin, and drops nothing old. Default
   * false.
   */
  readonly idle?: boolean
}

export interface ReadinessOptions {
  /** Also says what is not for anyone: why an MCP server failed, and the link to authorize it. Default false. */
  readonly forOperator?: boolean
}

/** The schema of an output: an object, in every form that a tool's input schema may have. */
export type OutputSchema = InputSchema

/** The output after the transforms and defaults of its schema. */
export type InferOutput<Schema extends OutputSchema> = InferInput<Schema>

export interface RunOptions<Schema extends OutputSchema = never> extends StartOptions {
  /**
   * Asks for an answer that fits. The model has one attempt to mend an answer that does not; then the run fails with
   * `output_invalid`. Default: any text will do.
   */
  readonly output?: Schema
  /** Called with each event of the run, as a client of the HTTP API is sent it. */
  readonly onEvent?: (event: ChatEvent) => void
  /** Called with the model's text as it comes, with a blank line between messages. */
  readonly onText?: (text: string) => void
  /** The text since the last message's end is void: a call failed, and the model begins that message again. */
  readonly onRetry?: (error: { readonly code: string; readonly message: string }) => void
  /**
   * Asked for each call that needs a person. Edited arguments that do not fit the tool's schema deny it. Default:
   * denied, because nobody is there to ask. Null leaves the approval open, for an answer from elsewhere.
   */
  readonly onApproval?: (wait: Wait) => ApprovalAnswer | null | Promise<ApprovalAnswer | null>
  /**
   * Asked what tools ask the user: `wait.question`. A form that does not fit its schema declines. Default: declined,
   * because nobody is there to ask. Null leaves the question open.
   */
  readonly onElicitation?: (wait: Wait) => ElicitationAnswer | null | Promise<ElicitationAnswer | null>
  /**
   * If true, approvals and questions without a callback above stay open. Once the run waits for nothing but people,
   * `run` resolves with the outcome `parked`. Another process, or the same call with the same `jobId`, continues the
   * run when they are answered. Default false.
   */
  readonly park?: boolean
}

export interface StreamOptions extends StartOptions {
  /**
   * Asked for each call that needs a person. Default: the approval stays open. Answer it with `gateway.waits`, or
   * let a client of the HTTP API answer.
   */
  readonly onApproval?: (wait: Wait) => ApprovalAnswer | Promise<ApprovalAnswer>
  /** Asked what tools ask the user. Default: the question stays open, as an approval does. */
  readonly onElicitation?: (wait: Wait) => ElicitationAnswer | Promise<ElicitationAnswer>
}

export interface ApprovalAnswer {
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly editedInput?: JsonObject
  /** Reason that the model receives on denial. */
  readonly reason?: string
  /** Allows the tool type for the rest of the session. Not with edited arguments. */
  readonly allowToolType?: boolean
  /** The sessions that `grant` holds for: the one whose tool asked, or all of its tree. Default `session`. */
  readonly scope?: GrantScope
}

export interface CloseOptions {
  /** Default: the option `shutdownGraceMs`. */
  readonly graceMs?: number
}

export interface GatewayRunResult<Output = never> {
  readonly runId: string
  readonly sessionId: string
  /** If true, the run existed before the call: the message joined it, or `jobId` names it. */
  readonly existed: boolean
  /**
   * Times of the run's start and end in milliseconds since the Unix epoch. For a parked run, `endedAt` is the time of
   * the look.
   */
  readonly startedAt: number
  readonly endedAt: number
  /** The text of the last assistant message. */
  readonly response: string
  readonly toolsUsed: readonly string[]
  /** The answer as the schema that was asked for makes it; null without one, and unless the run is completed. */
  readonly output: Output | null
  /** The one that answered last, by its service's own word; null when none did. */
  readonly model: string | null
  /** Tokens of all model calls, failed ones included. */
  readonly usage: Usage
  /** US dollars; null when the price of a model is not known. */
  readonly cost: Cost
  /** `parked`: with the option `park`, the run is open and waits for people only. */
  readonly outcome: "completed" | "interrupted" | "failed" | "parked"
  /** Reason of the interruption: `cancelled`, `max_turns`, `max_tokens`, `budget`; else null. */
  readonly reason: string | null
  readonly error: { readonly code: string; readonly message: string } | null
}
