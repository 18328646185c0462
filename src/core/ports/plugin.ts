import type { Ids } from "../ids.ts"
import type { Json, JsonObject } from "../json/json.ts"
import type { HistoryCompacted } from "../log/compaction.ts"
import type { EventEntry } from "../log/entries.ts"
import type { ContentPart, Message } from "../messages.ts"
import type { ItemsAtEnd } from "../run-end.ts"
import type { RunRole } from "../run-role.ts"
import type { Clock } from "../time/clock.ts"
import type { AgentSkills } from "./agent-skills.ts"
import type { CodeRunner } from "./code-runner.ts"
import type { HistoryCompaction } from "./compaction.ts"
import type { Contents } from "./contents.ts"
import type { ApprovalPolicy, Interceptor } from "./interceptor.ts"
import type { Logger } from "./logger.ts"
import type { Memory } from "./memory.ts"
import type { OutboxHandler } from "./outbox.ts"
import type { OpenedFile } from "./sandbox.ts"
import type { Schedules } from "./schedules.ts"
import type { SchemaCheck } from "./schema-check.ts"
import type { Secrets } from "./secrets.ts"
import type { Session } from "./session-log.ts"
import type { Subscriber } from "./subscriptions.ts"
import type { Tool } from "./tool.ts"
import type { TransformToolResult } from "./transform-tool-result.ts"

/** A feature of an agent. The gateway opens an agent's plugins in their order and closes them in reverse. */
export interface Plugin {
  /** 1 to 64 lowercase letters, digits, dashes and underscores, a letter first. Unique in an agent. */
  readonly name: string
  /** Called once for each agent when the gateway opens. A rejection stops the start. */
  setup(services: PluginServices): PluginParts | Promise<PluginParts>
}

/** The gateway's services for a plugin of one agent. */
export interface PluginServices {
  /** Name of the agent. */
  readonly agent: string
  /** Names of all agents of the gateway. */
  readonly agents: readonly string[]
  /** Version of the gateway. */
  readonly version: string
  /** If false, any API key is accepted, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  /** Ports that plugins before this one provide. */
  readonly ports: Partial<PluginPorts>
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly stores: PluginStores
  /** Resolves to the time of the store's clock, which all processes share, in milliseconds since the Unix epoch. */
  storeTime(): Promise<number>
  /** Aborted when the gateway closes, also while it starts. */
  readonly signal: AbortSignal
  /** Opens encrypted storage of this agent's plugin. Resolves to null if the gateway has no key to encrypt with. */
  openSecrets(): Promise<Secrets | null>
  /** Resolves to true if the store still has the session, no matter to whom it belongs. */
  isKept(sessionId: string): Promise<boolean>
  /** Resolves to the summary that stands for older messages of the session; null if there is none. */
  lastCompaction(sessionId: string): Promise<HistoryCompacted | null>
  /**
   * Resolves to the first events of a session after a sequence number, in order: some of them, or none at the end of
   * its log. The messages of a client's own history are left out.
   */
  readEvents(sessionId: string, afterSeq: number): Promise<readonly EventEntry[]>
}

/** Parts of the gateway's store that are made for plugins. All agents share them. */
export interface PluginStores {
  /** Each message that it puts is subject to the gateway's storage limits. */
  readonly schedules: Schedules
  /** The memories of all principals. */
  readonly memory: Memory
  readonly contents: Contents
}

/** Ports that plugins provide for those after them. */
export interface PluginPorts {
  readonly codeRunner: CodeRunner
  readonly agentSkills: AgentSkills
}

/** The parts that a plugin adds to its agent. All are optional. */
export interface PluginParts {
  readonly provides?: Partial<PluginPorts>
  /**
   * Called when a run starts and each time that it resumes. A rejection ends that run in `error`, and so does a call
   * that takes longer than `openRunTimeoutMs`.
   */
  openRun?(run: PluginRun): RunParts | Promise<RunParts>
  /** Default: `callbackTimeoutMs`. */
  readonly openRunTimeoutMs?: number
  /**
   * Handlers by method and path below the gateway's prefix, such as `"GET /notes/:id"`. A request needs a session
   * token, and is handled by the plugins of that session's agent.
   */
  readonly routes?: Readonly<Record<string, PluginRoute>>
  /**
   * Handlers of what `itemsAtEnd` writes, by kind. An item is delivered at least once, always under its id, by any
   * process that serves the agent with this plugin.
   */
  readonly outbox?: Readonly<Record<string, OutboxHandler>>
  /** Returns the files of a session that clients may download by `GET /chat/files/{path}`, null for an unknown path. */
  openFile?(sessionId: string, path: string): Promise<OpenedFile | null>
  /**
   * Called with the query of a browser that returns from an authorization server. Resolves to the name of what the
   * gateway may use now, or to null if the query belongs to no authorization of this plugin.
   */
  completeAuthorization?(callback: URLSearchParams): Promise<string | null>
  /**
   * Receives the events of all sessions of the agent, at least once. Not called in a gateway that is only looked at.
   */
  readonly subscriber?: Pick<Subscriber, "timeoutMs" | "onEvents">
  /** Reports the state of the plugin and of what it needs, for `GET /ready` and `doctor`. */
  checks?(audience: Audience): readonly PluginCheck[] | Promise<readonly PluginCheck[]>
  /**
   * Called once when the gateway is open and works on runs, and not in one that is only looked at or that executes a
   * single run. A rejection stops the start. `services.signal` ends what it starts.
   */
  start?(): void | Promise<void>
  /** Returns true while tools may be missing because something still starts. */
  isStarting?(): boolean
  /** Called when a closing gateway waits for runs no longer. Ends what runs may wait for in `openRun`. */
  interrupt?(): void | Promise<void>
  /** Called once, after all runs have ended or were parked. */
  close?(): void | Promise<void>
}

/** A run that is about to be executed, or a look at the agent's tools without one. */
export interface PluginRun {
  /** Null for a look at the tools that users of the agent share. */
  readonly session: Session | null
  /** The role of a sub-agent; null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The message that started the run; empty for a look at the tools. */
  readonly message: readonly ContentPart[]
  /** The agent's approval policy. */
  readonly needsApproval: ApprovalPolicy
  /** Longer results of tools are truncated to this number of bytes. */
  readonly maxToolResultBytes: number
  /** Aborted when the run is canceled, when the process stops, and after `openRunTimeoutMs`. */
  readonly signal: AbortSignal
}

/** The parts of a plugin in one run. */
export interface RunParts {
  /**
   * Returns the tools at this moment; called before each turn, so that tools may change during a run. Returns the
   * same array while nothing has changed. `taken` has the names of the agent's own tools and of the plugins before.
   */
  tools?(taken: readonly string[]): readonly Tool[]
  /**
   * Called when the run ends, unless a sub-agent's. The items are stored in the commit that ends the run, so that no
   * crash comes in between. An error is logged, and nothing is delivered.
   */
  readonly itemsAtEnd?: ItemsAtEnd
  /** Texts that are appended to the system prompt. */
  readonly instructions?: readonly string[]
  /** Makes room for requests that do not fit the model's window. Only one plugin of an agent has this part. */
  readonly compaction?: HistoryCompaction
  /**
   * Called when a summary is about to replace older messages. Returns texts that the model needs besides, such as
   * those of loaded skills. They stand beside the summary until the next one.
   */
  compactionNotes?(options: {
    /** The messages that the summary replaces. */
    readonly messages: readonly Message[]
    readonly signal: AbortSignal
  }): readonly string[] | Promise<readonly string[]>
  /**
   * Texts for the model that are data and not instructions. They stand before the message that started the run, in
   * each of its requests, and are not part of the log.
   */
  readonly background?: readonly string[]
  /** Run after the agent's own. */
  readonly interceptors?: readonly Interceptor[]
  /** Receives results as the agent's own `transformToolResult` and the plugins before have left them. */
  readonly transformToolResult?: TransformToolResult
}

/** A handler, alone or with a description for `GET /openapi.json`. */
export type PluginRoute = PluginHandler | DescribedRoute

export interface DescribedRoute {
  readonly handle: PluginHandler
  /** OpenAPI 3.1 operation object. The gateway adds the token and the problems that every route may answer with. */
  readonly operation: JsonObject
}

/** Handles a request within `callbackTimeoutMs`. An error is answered with a 500 problem and logged. */
export type PluginHandler = (request: PluginRequest) => Response | Promise<Response>

export interface PluginRequest {
  /** The session whose token the request has. */
  readonly session: Session
  /** Without its body, which has been read. */
  readonly request: Request
  /** Values of the path's parameters. */
  readonly params: Readonly<Record<string, string>>
  /** The parsed JSON body, within the gateway's limits. Null for a request without one. */
  readonly body: Json
  /** Aborted when the client disconnects, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

/**
 * The people who see the result of a check. Anyone may ask for the readiness over HTTP; a person who opens a link
 * authorizes the gateway with an account of their own.
 */
export interface Audience {
  /** If false, reasons that quote a server's output are left out. */
  readonly isOperator: boolean
  /** If true, links by which a person authorizes the gateway are included. */
  readonly showsLinks: boolean
}

export interface PluginCheck {
  /** The part that was checked. The check is then named `PLUGIN:PART`. Default: the whole plugin. */
  readonly part?: string
  readonly ok: boolean
  /** A short text that is safe to show to the audience. */
  readonly detail?: string
}
