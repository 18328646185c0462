import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { ImageBlock, TextBlock, Usage } from "../../core/wire/content.ts"
import type { ChatRequest } from "../../core/wire/messages.ts"

/** A conversation as a user interface shows it. Views are immutable: each event creates a new one. */
export interface ChatView {
  readonly messages: readonly ViewMessage[]
  /** Open waits of the open run, and of the sub-agents that work for it. */
  readonly waits: readonly ViewWait[]
  /** If true, a run is open. */
  readonly isRunning: boolean
  /**
   * Sentence for the user about what the run waits for before its next turn, such as a slow MCP server. Null for most
   * runs, and after the next event.
   */
  readonly notice: string | null
  /** The end of the last run. Null while a run is open, before the first, and for a loaded run that completed. */
  readonly ended: RunEnd | null
  /** Usage of all runs of the session. */
  readonly usage: Usage | null
  /**
   * The last summary that replaced older messages for the model. Null if the loaded messages have none. The view keeps
   * those messages, and a part of the type `compaction` marks the place.
   */
  readonly compaction: ViewCompaction | null
  /** Sub-agents of tool calls that the view has seen, running or ended. `tool_call_id` names the call of each. */
  readonly subAgents: readonly ViewSubAgent[]
  /** Background tasks: those that ran when the view was loaded, and later ones. Oldest first. */
  readonly tasks: readonly ViewTask[]
  /** Messages of the user that wait for the running run, in the order in which their runs open. */
  readonly queued: readonly QueuedMessage[]
  /** The view contains events up to and including this cursor. */
  readonly cursor: number
  /** Gives the page of earlier messages as the option `before` of `chat.history`. Null if the view has all messages. */
  readonly before: number | null
  /** Number of parts of the last message that are kept if text is discarded, by the reason of the discard. */
  readonly kept: { readonly byRetry: number; readonly byFailure: number }
}

/** A sub-agent that works for a tool call, with its whole conversation. */
export interface ViewSubAgent {
  readonly sub_agent_id: string
  readonly agent_name: string
  /** The call that it works for: one of the session, or of the sub-agent `parent_sub_agent_id`. */
  readonly tool_call_id: string
  readonly parent_sub_agent_id: string | null
  /** The sub-agent's own conversation. Sub-agents that it starts are in the session's list. */
  readonly view: ChatView
  /**
   * If true, some turns are missing, because the client was not connected at that time. `chat.history` with its id has
   * all of them.
   */
  readonly partial: boolean
  /**
   * The view after each of the last turns, by the number of turns. A reconnected stream continues from one of them.
   */
  readonly checkpoints: readonly { readonly turns: number; readonly view: ChatView }[]
}

/** A sub-agent that works in the background. Its conversation has a stream of its own. */
export interface ViewTask {
  readonly task_id: string
  readonly agent_name: string
  /** The first characters of the task. */
  readonly description: string
  /** The call that started it. Null if the view has not seen its start. */
  readonly tool_call_id: string | null
  /** Ids of the sub-agents that work for it. Waits name them as `sub_agent_id`. */
  readonly sub_agent_ids: readonly string[]
  readonly state: "running" | "completed" | "interrupted" | "failed"
  /** Number of its current turn. Null if not known. */
  readonly turn: number | null
  /** The tool that it runs. */
  readonly tool_name: string | null
  /** Usage of its turns that have ended. Null if not known. */
  readonly usage: Usage | null
  readonly result: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** Reason of an interruption. */
  readonly reason: string | null
}

export interface ViewCompaction {
  /** Characters of the summary. */
  readonly chars: number
  /** Estimated tokens of the next request, without and with the summary. */
  readonly tokens_before: number
  readonly tokens_after: number
}

/**
 * A mark in a message of the assistant. From here on, the model receives a summary in place of the earlier messages.
 */
export interface ViewCompactionPart extends ViewCompaction {
  readonly type: "compaction"
  /** Id of the event in the session's stream. Null in the view of a sub-agent. */
  readonly cursor: number | null
}

export interface QueuedMessage {
  /** Idempotency key of the message. For a message of a loaded conversation, another unique name. */
  readonly key: string
  /** Null until the gateway has accepted the message. */
  readonly run_id: string | null
  /** Empty for a large message of a loaded conversation. */
  readonly content: string | readonly (TextBlock | ImageBlock)[]
  /** If true, the message joins the running run. */
  readonly steers: boolean
  /** Id by which a steering message is withdrawn. Null if the message was sent by this page, or does not steer. */
  readonly message_id: string | null
}

export interface RunEnd {
  readonly outcome: "completed" | "interrupted" | "failed"
  /** Reason of an interruption, or the error code of a failed run. */
  readonly reason: string | null
  /** Message of a failed run. */
  readonly error: string | null
  /** The provider's own message if a model call failed, and if the gateway shows it to clients. */
  readonly provider_message?: string | undefined
  /** Text that the agent returned because the run reached its maximum number of turns. */
  readonly summary?: string | undefined
}

/** The end of a run that did not complete: the last part of its message. */
export interface ViewRunEndPart extends RunEnd {
  readonly type: "run_end"
}

/** Consecutive content of one side: a user's message, or all turns of a run. */
export interface ViewMessage {
  /** Stable while messages are only added, so it can be the key of a list. */
  readonly id: string
  readonly role: "user" | "assistant" | "system"
  readonly parts: readonly ViewPart[]
  /**
   * Usage of the turns that the view received as events. Null for other messages, including those of a loaded
   * history.
   */
  readonly usage: Usage | null
}

export type ViewPart =
  | { readonly type: "text" | "thinking"; readonly text: string }
  | ImageBlock
  | ViewToolCall
  | ViewCompactionPart
  | ViewRunEndPart

export interface ViewToolCall {
  readonly type: "tool"
  readonly tool_call_id: string
  readonly tool_name: string
  readonly tool_input: Readonly<Record<string, unknown>>
  /** The arguments that the model has written so far, as JSON. Null when `tool_input` has them. */
  readonly draft: string | null
  /**
   * `writing`: the model is writing the arguments. `waiting`: the call waits for an answer; see `waits`.
   * `interrupted`: there will be no result.
   */
  readonly state: "writing" | "running" | "waiting" | "completed" | "failed" | "denied" | "interrupted"
  readonly output: readonly ToolOutput[]
  readonly result: unknown
  readonly error: {
    readonly code: string
    readonly sub_code?: string | undefined
    readonly message: string
  } | null
  /** A note of the tool about its result. */
  readonly warning: string | null
  readonly duration_ms: number | null
  /** MCP server that executed the call. */
  readonly server: string | null
  /** Application events that the tool emitted. A transient one replaces the previous one with the same name. */
  readonly data: readonly ToolData[]
  /** `seq` of the last chunk of `output`; -1 before the first one. */
  readonly seq: number
}

export interface ToolData {
  readonly name: string
  readonly value: unknown
  /** If true, it is missing when the conversation is loaded again. */
  readonly transient: boolean
}

export interface ToolOutput {
  readonly stream: "stdout" | "stderr"
  readonly text: string
}

type Request<Type> = Omit<Extract<ChatEvent, { type: Type }>, "type">

/**
 * An open wait, with the fields of the gateway's event. `expires_at` is in seconds since the Unix epoch. With
 * `sub_agent_id`, the call belongs to that sub-agent, and is in no message.
 */
export type ViewWait =
  | ({ readonly kind: "approval" } & Request<"tool_approval_request">)
  | ({ readonly kind: "question" } & Request<"elicitation_request">)
  | {
      readonly kind: "clientTool"
      readonly tool_call_id: string
      readonly nonce: string
      readonly tool_name: string
      readonly tool_input: Readonly<Record<string, unknown>>
      readonly sub_agent_id?: string | undefined
    }

export const emptyView: ChatView = {
  messages: [],
  waits: [],
  isRunning: false,
  notice: null,
  ended: null,
  usage: null,
  compaction: null,
  subAgents: [],
  tasks: [],
  queued: [],
  cursor: 0,
  before: null,
  kept: { byRetry: 0, byFailure: 0 },
}

/** Text, or blocks of text and images. */
export type UserContent = NonNullable<ChatRequest["message"]>
