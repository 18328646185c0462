import type { ContentPart, Message } from "../history/messages.ts"
import type { Ids } from "../ids.ts"
import type { HistoryCompacted } from "../log/compaction.ts"
import type { EventEntry } from "../log/entries.ts"
import type { ItemsAtEnd } from "../runs/run-end.ts"
import type { RunRole } from "../runs/run-role.ts"
import type { DataBlock } from "../text/data-block.ts"
import type { Clock } from "../time/clock.ts"
import type { AgentSkills } from "./agent-skills.ts"
import type { Logger } from "./logger.ts"
import type { HistoryCompaction } from "./model/compaction.ts"
import type { Observer } from "./observer.ts"
import type { PluginRoute } from "./plugin-route.ts"
import type { PluginDirectory, PluginRuns } from "./plugin-runs.ts"
import type { Contents } from "./store/contents.ts"
import type { Memory } from "./store/memory.ts"
import type { OutboxHandler } from "./store/outbox.ts"
import type { Schedules } from "./store/schedules.ts"
import type { Secrets } from "./store/secrets.ts"
import type { Principal, Session } from "./store/session-log.ts"
import type { Subscriber } from "./store/subscriptions.ts"
import type { CodeRunner } from "./tools/code-runner.ts"
import type { ApprovalPolicy, Interceptor } from "./tools/interceptor.ts"
import type { OpenedFile, SandboxReports } from "./tools/sandbox.ts"
import type { SchemaCheck } from "./tools/schema-check.ts"
import type { Tool } from "./tools/tool.ts"
import type { TransformToolResult } from "./tools/transform-tool-result.ts"

/** A feature of an agent. The gateway opens an agent's plugins in their order and closes them in reverse. */
export interface Plugin {
  /** 1 to 64 lowercase letters, digits, dashes and underscores, starting with a letter. Unique in an agent. */
  readonly name: string
  /**
   * Names of plugins that this one opens after, because it uses their ports, or receives what they have made of tools
   * and results. A built-in plugin may be named even if the agent does not have it. `all` stands for every plugin that
   * does not come after this one. Otherwise the plugins keep their order: the built-in ones first, then those of the
   * list.
   */
  readonly after?: readonly string[] | "all"
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
  /** If false, the gateway accepts any API key, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  /** Ports that plugins before this one provide. */
  readonly ports: Partial<PluginPorts>
  readonly checkSchema: SchemaCheck
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly stores: PluginStores
  /** Runs of the agent, for principals that the plugin names. */
  readonly runs: PluginRuns
  /** Sessions and runs of the agent. */
  readonly directory: PluginDirectory
  /** Resolves to the time of the store's clock, which all processes share, in milliseconds since the Unix epoch. */
  storeTime(): Promise<number>
  /** Aborted when the gateway closes, also while it starts. */
  readonly signal: AbortSignal
  /** Opens encrypted storage for this plugin of this agent. Resolves to null if the gateway has no encryption key. */
  openSecrets(): Promise<Secrets | null>
  /** Resolves to true if the store still has the session. The session may have any owner. */
  isKept(sessionId: string): Promise<boolean>
  /** Resolves to the summary that replaced older messages of the session. Null if there is none. */
  lastCompaction(sessionId: string): Promise<HistoryCompacted | null>
  /**
   * Resolves to the first events of a session after a sequence number, in order. The list has some of them, or none
   * at the end of the log. The messages of a client's own history are left out.
   */
  readEvents(sessionId: string, afterSeq: number): Promise<readonly EventEntry[]>
}

/** Parts of the gateway's store for plugins. All agents share them. A custom store may lack them. */
export interface PluginStores {
  /** Each message that it puts counts toward the gateway's storage limits. */
  readonly schedules?: Schedules
  /** The memories of all principals. */
  readonly memory?: Memory
  readonly contents?: Contents
}

/** Ports that plugins provide for the plugins after them. */
export interface PluginPorts {
  readonly codeRunner: CodeRunner
  readonly agentSkills: AgentSkills
  /** Reports for operators about the sandboxes in which the agent's code runs. */
  readonly sandboxes: SandboxReports
}

/** The parts that a plugin adds to its agent. All are optional. */
export interface PluginParts {
  readonly provides?: Partial<PluginPorts>
  /**
   * Called when a run starts and each time that it resumes. If it rejects or takes longer than `openRunTimeoutMs`,
   * the run ends in `error`. If it rejects with the `StoreUnavailableError` of a port, the run stays open, and the
   * gateway opens it again.
   */
  openRun?(run: PluginRun): RunParts | Promise<RunParts>
  /** Default: `callbackTimeoutMs`. */
  readonly openRunTimeoutMs?: number
  /**
   * Routes by method and path below the gateway's prefix, such as `"GET /notes/:id"`, and below `/agents/NAME`. The
   * plugins of the named agent or, without a name, of the default agent handle a request. A session token belongs to
   * an agent itself.
   */
  readonly routes?: Readonly<Record<string, PluginRoute>>
  /**
   * Handlers of the items from `itemsAtEnd`, by kind. An item is delivered at least once, always under its id, by any
   * process that serves the agent with this plugin. The gateway itself stores an item of the kind `sessionRemoved` for
   * each session of the agent that it drops.
   */
  readonly outbox?: Readonly<Record<string, OutboxHandler>>
  /** Returns a file of a session for `GET /chat/files/{path}`. Null if the path is unknown. */
  openFile?(sessionId: string, path: string): Promise<OpenedFile | null>
  /**
   * Called with the query of a browser that returns from an authorization server. Resolves to null if the query does
   * not belong to an authorization of this plugin. Changes nothing.
   */
  findAuthorization?(callback: URLSearchParams): Promise<PendingAuthorization | null>
  /**
   * Receives the events of all sessions of the agent, at least once. Not called in a gateway that only inspects the
   * store.
   */
  readonly subscriber?: Pick<Subscriber, "timeoutMs" | "onEvents">
  /**
   * Receive the measurements of the agent, and those of the process that belong to no agent: commits and outbox items.
   */
  readonly observers?: readonly Partial<Observer>[]
  /** Reports the state of the plugin and its dependencies, for `GET /ready` and `doctor`. */
  checks?(audience: Audience): readonly PluginCheck[] | Promise<readonly PluginCheck[]>
  /** Returns the external sources of the plugin's tools, for operators. */
  toolSources?(): readonly ToolSource[]
  /**
   * Called once when the gateway is open and executes runs. Not called in a gateway that only inspects the store or
   * executes a single run. A rejection stops the start. The plugin ends its work when `services.signal` aborts.
   */
  start?(): void | Promise<void>
  /** Returns true while tools may be missing because a part of the plugin is still starting. */
  isStarting?(): boolean
  /** Called when a closing gateway stops waiting for runs. Ends everything that runs may wait for in `openRun`. */
  interrupt?(): void | Promise<void>
  /** Called once, after all runs have ended or were parked. */
  close?(): void | Promise<void>
}

/** The kind of the items that report dropped sessions to a plugin. */
export const sessionRemovedKind = "sessionRemoved"

/** An external source of tools, such as an MCP server. */
export interface ToolSource {
  readonly name: string
  /** The kind of connection, such as `stdio`. */
  readonly transport: string
  /** One word, such as `ready`. */
  readonly state: string
  /** The reason for the state, or the address that a person must open. Null if there is neither. */
  readonly detail: string | null
  /** Tools of the newest list from the source, under the source's own names. */
  readonly tools: readonly SourcedTool[]
}

export interface SourcedTool {
  readonly name: string
  readonly description: string
  /** If false, the model does not see the tool. */
  readonly isEnabled: boolean
}

/** A run that is about to be executed, or a request for the agent's tools without a run. */
export interface PluginRun {
  /** Null for a request for the tools that all users of the agent share. */
  readonly session: Session | null
  /** The role of a sub-agent; null for a run of the agent itself. */
  readonly role: RunRole | null
  /** The message that started the run. Empty for a request for the tools. */
  readonly message: readonly ContentPart[]
  /** The agent's approval policy. */
  readonly needsApproval: ApprovalPolicy
  /** Longer tool results are truncated to this number of bytes. */
  readonly maxToolResultBytes: number
  /** Settings of the run's runtime for this plugin, in place of the plugin's own. Default: the plugin's own. */
  readonly settings?: unknown
  /**
   * Shows the people who follow the run what `openRun` waits for, in one sentence. Current subscribers receive it as
   * the event `status`, which is not stored.
   */
  readonly showStatus: (message: string) => void
  /** Aborted when the run is canceled, when the process stops, and after `openRunTimeoutMs`. */
  readonly signal: AbortSignal
}

/** The parts of a plugin in one run. */
export interface RunParts {
  /**
   * Returns the current tools. The gateway calls it before each turn, so that tools may change during a run. Returns
   * the same array while nothing has changed. `taken` has the names of the agent's own tools and of the tools of
   * earlier plugins.
   */
  tools?(taken: readonly string[]): readonly Tool[]
  /**
   * Called when a run ends, except a sub-agent's run. The items are stored in the commit that ends the run, so that
   * no crash comes in between. If it throws, the gateway logs the error and delivers nothing.
   */
  readonly itemsAtEnd?: ItemsAtEnd
  /** Texts that are appended to the system prompt. */
  readonly instructions?: readonly string[]
  /** Shortens requests that do not fit into the model's context window. Only one plugin of an agent has this part. */
  readonly compaction?: HistoryCompaction
  /**
   * Called when a summary is about to replace older messages. Returns texts that the model needs in addition, such as
   * the instructions of loaded skills. They accompany the summary until the next one.
   */
  compactionNotes?(options: {
    /** The messages that the summary replaces. */
    readonly messages: readonly Message[]
    readonly signal: AbortSignal
  }): readonly string[] | Promise<readonly string[]>
  /**
   * Data for the model, which is never instructions. Each request of the run has it before the message that started the
   * run, framed so that no text in it can look like a message. It is not part of the log.
   */
  readonly background?: readonly DataBlock[]
  /** They run after the agent's own. */
  readonly interceptors?: readonly Interceptor[]
  /** Receives results that the agent's own `transformToolResult` and the earlier plugins have transformed. */
  readonly transformToolResult?: TransformToolResult
}

/** An authorization that a person has granted, and that the gateway has not accepted yet. */
export interface PendingAuthorization {
  /** Name of the service that the gateway may then use. */
  readonly name: string
  /** The user for whom the gateway requested it. Null if it is for all users. */
  readonly principal: Principal | null
  /** Accepts the authorization. Resolves to false if it was used, has expired, or was refused. */
  complete(): Promise<boolean>
}

/**
 * The people who see the result of a check. Anyone may request the readiness over HTTP. A person who opens a link
 * authorizes the gateway with their own account.
 */
export interface Audience {
  /** If false, details that quote a server's output are left out. */
  readonly isOperator: boolean
  /** If true, links that authorize the gateway are included. */
  readonly showsLinks: boolean
}

export interface PluginCheck {
  /** The part that was checked. The check is then named `PLUGIN:PART`. Default: the whole plugin. */
  readonly part?: string
  readonly ok: boolean
  /** A short text that is safe to show to the audience. */
  readonly detail?: string
}
