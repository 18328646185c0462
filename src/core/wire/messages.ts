// Generated from the OpenAPI document by scripts/generate-client-types.ts. Do not edit.

import type { ImageBlock, TextBlock, Usage } from "./content.ts"

export type ChatMessage =
  | {
      readonly role: "user"
      readonly content: string | readonly (TextInput | ImageInput)[]
    }
  | {
      readonly role: "assistant"
      readonly content: string | readonly TextBlock[]
    }
  | {
      readonly role: "system"
      readonly content: string | readonly TextInput[]
    }

export type ChatRequest = {
  /** The whole conversation as the client holds it; the last message is the user's. */
  readonly messages?: readonly ChatMessage[] | undefined
  /** Only the new message. The server uses its own history. */
  readonly message?: string | readonly (TextInput | ImageInput)[] | undefined
  /** The app's own data for this run. `channel` may choose how the run is executed. */
  readonly context?:
    | ({
        /** Name of the client's channel, such as `voice`. */
        readonly channel?: string | undefined
      } & Readonly<Record<string, unknown>>)
    | undefined
  /** Model of the run. Default, also with null: the agent's. With `allowedModels`, one of these. */
  readonly model?: string | null | undefined
  /** Tools that this client executes, if the agent allows clients to declare any. Each call waits for POST /chat/tool-result. */
  readonly tools?: readonly ClientTool[] | undefined
  /** If true, the arguments of calls are streamed while the model writes them, as `tool_input_delta`. Default false. */
  readonly tool_input_deltas?: boolean | undefined
  /** Decides what happens to the message while a run of the session is open or due. `reject` (default): 409. `queue`: it runs after them. `interrupt`: the open run is cancelled, and the message runs next. `steer`: it joins the open run between two of its turns, and the response is that run's stream. */
  readonly when_busy?: "reject" | "queue" | "interrupt" | "steer" | undefined
  /** The message takes the place of this run and of everything after it. An open run is cancelled, and queued messages are withdrawn, whatever `when_busy` is. Without `message`, the message of that run is repeated. */
  readonly supersede?:
    | {
        readonly run_id: string
      }
    | undefined
}

export type ClientTool = {
  readonly name: string
  readonly description: string
  /** JSON Schema 2020-12 of the input. */
  readonly input_schema: {
    readonly type: "object"
  } & Readonly<Record<string, unknown>>
}

export type ElicitationRequest = {
  /** The call that waits. */
  readonly tool_call_id: string
  /** The nonce of the request. */
  readonly nonce: string
  /** `decline`: the user refused. `cancel`: the user closed the question without an answer. */
  readonly action: "accept" | "decline" | "cancel"
  /** The values of the form, which match its schema. Present exactly if a form is accepted. */
  readonly content?: Readonly<Record<string, unknown>> | undefined
}

export type History = {
  readonly messages: readonly HistoryMessage[]
  /** Calls that wait for POST /chat/tool-approval. */
  readonly pending_approvals: readonly {
    readonly tool_call_id: string
    /** Send it back with the answer. Empty if only an operator may answer. */
    readonly nonce: string
    /** Seconds since the Unix epoch. */
    readonly expires_at: number
    readonly tool_name: string
    /** Id of the sub-agent's session. Absent if the session is the root of its tree. */
    readonly sub_agent_id?: string | undefined
    /** The tool's arguments. */
    readonly tool_input: Readonly<Record<string, unknown>>
    /** Present if only an operator may answer. The client then shows no buttons. */
    readonly approvals_by?: "operator" | undefined
    /** The MCP server behind the tool; null for a local tool. */
    readonly server: string | null
    readonly resolved_qualifier: string | null
    readonly reason: string | null
  }[]
  /** Calls that wait for POST /chat/tool-result. */
  readonly pending_tool_calls: readonly {
    readonly tool_call_id: string
    /** Send it back with the answer. */
    readonly nonce: string
    /** Seconds since the Unix epoch. */
    readonly expires_at: number
    readonly tool_name: string
    /** Id of the sub-agent's session. Absent if the session is the root of its tree. */
    readonly sub_agent_id?: string | undefined
    /** The tool's arguments. */
    readonly tool_input: Readonly<Record<string, unknown>>
  }[]
  /** Questions that wait for POST /chat/elicitation. */
  readonly pending_elicitations: readonly {
    readonly tool_call_id: string
    /** Send it back with the answer. */
    readonly nonce: string
    /** Seconds since the Unix epoch. */
    readonly expires_at: number
    readonly tool_name: string
    /** Id of the sub-agent's session. Absent if the session is the root of its tree. */
    readonly sub_agent_id?: string | undefined
    /** The MCP server behind the tool; null for a local tool. */
    readonly server: string | null
    readonly mode: "form" | "url"
    readonly message: string
    /** JSON Schema of a form's values. */
    readonly schema?: Readonly<Record<string, unknown>> | undefined
    /** The page for the user to open, in mode `url`. */
    readonly url?: string | undefined
  }[]
  readonly active_run: {
    readonly run_id: string
    /** Subscribe from here to see the run from its start. */
    readonly cursor: number
  } | null
  /** Accepted messages whose runs are not open yet, in their order. POST /chat/cancel with the `run_id` withdraws one; GET /chat/subscribe with it follows it. */
  readonly queued_runs: readonly {
    readonly run_id: string
    /** 1 for the run that is taken next. */
    readonly position: number
    /** Seconds since the Unix epoch; null for at once. */
    readonly not_before: number | null
    /** The message. Null for a message of more than 16 KiB. */
    readonly content: readonly (TextBlock | ImageBlock)[] | null
  }[]
  /** Messages that join the open run at its next turn, in their order. POST /chat/cancel with the `message_id` withdraws one. */
  readonly steering_messages: readonly {
    readonly message_id: string
    /** The message. Null for a message of more than 16 KiB. */
    readonly content: readonly (TextBlock | ImageBlock)[] | null
  }[]
  /** Background tasks that run. GET /chat/tasks lists the others as well. */
  readonly running_tasks: readonly Task[]
  readonly usage: Usage
  /** If true, there are earlier messages. */
  readonly has_more: boolean
  /** Gives the page of earlier messages as the parameter `before`. Null if there are none. */
  readonly before: number | null
  /** The id of the last event in `messages`. Subscribe from here to see what follows, from the first word of what is being said. */
  readonly last_seq: number
}

/** The end of a run that did not complete, a block of the type `run_end`, is in a message of the assistant. The result of a tool follows the assistant's message that called it, as a message of the role `tool`. Data that the tool emitted while it ran, blocks of the type `data`, precedes its result. A block of the type `compaction` marks the place at which a summary replaced the earlier messages for the model. It is at the beginning of the assistant's next message, or alone in a message if a message of the user follows. */
export type HistoryMessage = {
  readonly role: "user" | "assistant" | "system" | "tool"
  /** The run that the message started. Only in such messages of the user. */
  readonly run_id?: string | undefined
  /** Present if another message took the place of the message's run. */
  readonly superseded?: true | undefined
  readonly content: readonly (
    | TextBlock
    | ImageBlock
    | {
        readonly type: "thinking"
        readonly text: string
      }
    | {
        readonly type: "tool_call"
        readonly tool_call_id: string
        readonly tool_name: string
        /** The tool's arguments. */
        readonly tool_input: Readonly<Record<string, unknown>>
      }
    | {
        readonly type: "data"
        readonly tool_call_id: string
        readonly name: string
        /** Any JSON value. */
        readonly value?: unknown | undefined
      }
    | {
        readonly type: "tool_result"
        readonly tool_call_id: string
        /** Any JSON value. */
        readonly result?: unknown | undefined
        readonly error: {
          readonly code: string
          /** A more specific code, if the tool has one. */
          readonly sub_code?: string | undefined
          readonly message: string
        } | null
        /** Present if the call failed and `result` says why. Then `error` is null. */
        readonly is_error?: true | undefined
        /** A note of the tool, which the model receives as well. */
        readonly warning?: string | undefined
        /** Milliseconds from the call's first execution to its result. Absent if it was interrupted. */
        readonly duration_ms?: number | undefined
        /** The MCP server behind the tool. */
        readonly server?: string | undefined
        /** The end of the call's live output: at most 4 000 characters. */
        readonly output?:
          | readonly {
              readonly stream: "stdout" | "stderr"
              readonly text: string
            }[]
          | undefined
        /** Sub-agents that worked for the call. `sub_agent_id` gives the history of each. */
        readonly sub_agents?:
          | readonly {
              readonly sub_agent_id: string
              readonly agent_name: string
            }[]
          | undefined
      }
    | {
        readonly type: "run_end"
        readonly outcome: "interrupted" | "failed"
        /** Reason of the interruption, or code of the failure, as in the stream. */
        readonly reason: string | null
        /** Message of a failed run. */
        readonly error: string | null
        /** The provider's own message if a model call failed. Only with the option `showProviderErrors`, and with `dev`. */
        readonly provider_message?: string | undefined
        /** Text that the agent's `onMaxTurns` returned. */
        readonly summary?: string | undefined
      }
    | {
        readonly type: "compaction"
        /** Id of the event `compaction` in the session's stream. */
        readonly cursor: number
        /** Characters of the summary. */
        readonly chars: number
        readonly tokens_before: number
        readonly tokens_after: number
      }
  )[]
}

export type ImageInput = {
  readonly type: "image"
  readonly source:
    | {
        readonly type: "base64"
        readonly media_type: "image/png" | "image/jpeg" | "image/gif" | "image/webp"
        readonly data: string
      }
    | {
        readonly type: "url"
        readonly url: string
      }
}

export type InitResponse = {
  /** A JWT, for the Authorization header. */
  readonly session_token: string
  /** Id of the session, to get further tokens for it. */
  readonly session_id: string
  /** The user that the session belongs to. */
  readonly user_id: string
  /** Name of the agent that the session is with. */
  readonly agent: string
  /** Time at which the token expires, in seconds since the Unix epoch. The session continues. */
  readonly expires_at: number
}

/** RFC 9457. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  /** Safe to show to anyone. */
  readonly detail: string
  /** Stable code for programs. */
  readonly code: string
  /** With 422: each field that is not valid. An empty path is the body itself. */
  readonly errors?:
    | readonly {
        readonly path: string
        readonly message: string
      }[]
    | undefined
  /** With `run_active`: the run that is open. */
  readonly run_id?: string | undefined
}

export type Session = {
  readonly session_id: string
  /** The id that was given to `POST /chat/init`; null if it has none. */
  readonly external_id: string | null
  /** Name of the agent that the session is with. */
  readonly agent: string
  /** State of its open run. `waiting`: an answer from outside is open. `unserved`: no server serves its agent at the moment. */
  readonly state: "idle" | "queued" | "running" | "waiting" | "unserved"
  /** The open run; null if there is none. */
  readonly active_run_id: string | null
  /** The tool call that started the session. */
  readonly parent: {
    readonly session_id: string
    readonly run_id: string
    readonly tool_call_id: string
  } | null
  /** The root of its tree; its own id without a parent. */
  readonly root_session_id: string
  /** Seconds since the Unix epoch. */
  readonly created_at: number
  /** Seconds since the Unix epoch. */
  readonly last_used_at: number
  /** Size of its stored events, which `limits.sessionBytes` bounds. */
  readonly stored_bytes: number
}

export type Sessions = {
  readonly sessions: readonly Session[]
  /** For `after`; null after the last page. A page may hold less than its limit, even nothing, although others follow. */
  readonly next: string | null
}

/** A sub-agent that works in the background. */
export type Task = {
  readonly task_id: string
  /** Name of the sub-agent. */
  readonly agent_name: string
  /** The first characters of the task. */
  readonly description: string
  /** The call that started the task. */
  readonly tool_call_id: string
  /** Id of the sub-agent's session. */
  readonly sub_agent_id: string
  readonly state: "running" | "completed" | "interrupted" | "failed"
  /** Reason of an interrupted task. */
  readonly reason: string | null
  /** The sub-agent's last message. Null while it works. */
  readonly result: string | null
  readonly error: {
    readonly code: string
    /** A more specific code, if the tool has one. */
    readonly sub_code?: string | undefined
    readonly message: string
  } | null
  readonly usage: Usage | null
  /** If true, the model has received the result. */
  readonly collected: boolean
  /** Seconds since the Unix epoch. */
  readonly started_at: number
}

export type TextInput = {
  readonly type: "text"
  readonly text: string
}

export type ToolApprovalRequest = {
  /** The call that waits. */
  readonly tool_call_id: string
  /** The nonce of the request. */
  readonly nonce: string
  /** If true, the call runs. If false, the model learns that it was denied. */
  readonly approved: boolean
  /** Allows this tool, with this qualifier, for the rest of the session. Only when approved. */
  readonly allow_tool_type?: boolean | undefined
  /** The sessions that `allow_tool_type` holds for: the one whose tool asked, or all sessions of its tree, also those that start later. Default `session`. */
  readonly scope?: "session" | "tree" | undefined
  /** Arguments that replace the model's and match the tool's schema. Only with `approved: true`. */
  readonly tool_input?: Readonly<Record<string, unknown>> | undefined
  /** The model receives it on denial. */
  readonly reason?: string | null | undefined
}

/** Without an error, an absent result means `null`. */
export type ToolResultRequest = {
  /** The call that waits. */
  readonly tool_call_id: string
  /** The nonce of the request. */
  readonly nonce: string
  /** Any JSON value. */
  readonly result?: unknown | undefined
  /** If true, the call failed, and `result` says why. Only without an `error`. */
  readonly is_error?: boolean | undefined
  /** A note that the model receives with the result. Only without an `error`. */
  readonly warning?: string | undefined
  /** The reason that there is no result. The model receives it. */
  readonly error?:
    | {
        readonly code: string
        readonly sub_code?: string | undefined
        readonly message: string
      }
    | null
    | undefined
}

export type UserTokenResponse = {
  /** A JWT, for the Authorization header. */
  readonly user_token: string
  /** The user of the token. */
  readonly user_id: string
  /** Name of the only agent that the token is for. */
  readonly agent: string
  /** Time at which the token expires, in seconds since the Unix epoch. */
  readonly expires_at: number
}
