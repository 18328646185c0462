import type { Json, JsonObject } from "../json/json.ts"
import type { RunLimits } from "../runs/child.ts"
import type { Cost, Usage } from "../usage.ts"
import type { ChatEvent } from "../wire/chat-event.ts"
import type { Wait } from "./store/approvals.ts"
import type { Directory, RunQuery, SessionQuery } from "./store/directory.ts"
import type { WhenBusy } from "./store/inbox.ts"
import type { Principal } from "./store/session-log.ts"

/**
 * The runs of a plugin's agent. A plugin acts for a principal that it names: the owner of a session, the user of a
 * request, or a user that only the plugin knows (`principalOf`). Sessions of other agents and principals count as
 * missing: `session_not_found`. All functions reject with a `ConfigurationError` during `setup`, because the gateway is
 * not open yet, and for a principal of a tenant that the gateway does not know.
 */
export interface PluginRuns {
  /** Returns the principal of a user that the plugin knows. Principals of different plugins are different. */
  principalOf(user: PluginUser): Principal
  /**
   * Puts a message into a session. When this resolves, the run is durable. Rejects with a `GatewayError`:
   * `session_not_found`, `run_active`, `queue_full`, `session_too_large`, `job_id_reused`, `shutting_down`.
   */
  start(message: string, options: PluginStartOptions): Promise<StartedPluginRun>
  /**
   * Yields the events of a run from its start to its end, as a client of the HTTP API receives them, without
   * heartbeats. Stopping the iteration leaves the run open. Rejects with the signal's reason after an abort, and with
   * `shutting_down` if the gateway closes before the run has ended.
   */
  follow(run: PluginRunIds, options: ActingOptions & Signalled): AsyncIterable<ChatEvent>
  /** Waits for the end of a run. Rejects like `follow`. */
  result(run: PluginRunIds, options: ActingOptions & Signalled): Promise<PluginRunResult>
  /** Cancels a run, or withdraws it from the queue. Resolves to false if it has ended or does not exist. */
  cancel(run: PluginRunIds, options: ActingOptions): Promise<boolean>
  /** Lists the open waits of a session and of its sub-agents, oldest first. */
  waits(sessionId: string, options: ActingOptions): Promise<readonly Wait[]>
  /**
   * Answers a wait. Resolves when the answer is durable. Rejects with a `GatewayError`: `wait_not_found`,
   * `already_answered`, `wait_expired`, `wrong_nonce`, `invalid_answer`.
   */
  answer(
    wait: Pick<Wait, "sessionId" | "toolCallId" | "nonce">,
    answer: PluginAnswer,
    options: ActingOptions,
  ): Promise<void>
}

/** A user that a plugin knows, such as the sender of a webhook. */
export interface PluginUser {
  readonly userId: string
  /** Users of different tenants are different. Default `default`. */
  readonly tenant?: string | undefined
}

export interface ActingOptions {
  /** The principal that the plugin acts for. */
  readonly principal: Principal
}

interface Signalled {
  readonly signal: AbortSignal
}

export interface PluginStartOptions extends ActingOptions {
  /** Default: a new session, or with `jobId` the session of the job. */
  readonly sessionId?: string
  /** Context that `buildChatRuntime` receives and that is logged with the run. Default `{}`. */
  readonly context?: JsonObject
  /** Decides what happens while the session is busy. Default `reject`. */
  readonly whenBusy?: WhenBusy
  /**
   * Name of the job, such as the sender's id of a delivery: a repeated call resolves to the first run. Another message
   * or context under the same name is refused with `job_id_reused`. 1 to 255 characters. Default: each call starts a
   * run.
   */
  readonly jobId?: string
  /** Limits of the run, in addition to those of the agent. Default: none. */
  readonly limits?: RunLimits
  /** W3C Trace Context of the cause of the run. Default: none. */
  readonly traceparent?: string
}

export interface PluginRunIds {
  readonly sessionId: string
  readonly runId: string
}

export interface StartedPluginRun extends PluginRunIds {
  /** If true, the run existed before the call. */
  readonly existed: boolean
}

export interface PluginRunResult extends PluginRunIds {
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of an interruption, such as `cancelled`. Otherwise null. */
  readonly reason: string | null
  /** Code and message of a failure. Otherwise null. */
  readonly error: { readonly code: string; readonly message: string } | null
  /** The text of the last message. */
  readonly response: string
  readonly toolsUsed: readonly string[]
  readonly usage: Usage
  /** US dollars. Null if the price of a model is not known. */
  readonly cost: Cost
}

/** An answer to a wait of its kind. */
export type PluginAnswer =
  | {
      readonly kind: "approval"
      readonly approved: boolean
      /** Arguments in place of the model's. */
      readonly editedInput?: JsonObject
      /** Reason that the model receives on denial. */
      readonly reason?: string
    }
  | {
      readonly kind: "elicitation"
      readonly action: "accept" | "decline" | "cancel"
      /** Values of an accepted form. */
      readonly content?: JsonObject
    }
  | { readonly kind: "clientTool"; readonly result: Json }

/** The sessions and runs of a plugin's agent, of all principals. Those of other agents count as missing. */
export interface PluginDirectory {
  sessions(query: Omit<SessionQuery, "agents">): ReturnType<Directory["sessions"]>
  session(sessionId: string): ReturnType<Directory["session"]>
  runs(query: Omit<RunQuery, "agents">): ReturnType<Directory["runs"]>
  run(runId: string): ReturnType<Directory["run"]>
}
