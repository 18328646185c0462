// Generated from the OpenAPI document by scripts/generate-client-types.ts. Do not edit.

import type { ImageBlock, TextBlock, Usage } from "./content.ts"

/** The JSON in one `data:` line. The frame's `id:` is a cursor for `Last-Event-ID` and `after_seq`. An event with `sub_agent_id` belongs to that sub-agent and not to the session itself; it has no id. `stream_complete` and `error` never have one: a sub-agent ends with `sub_agent_end`. */
export type ChatEvent =
  | {
      readonly type: "text_delta"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly text: string
    }
  | {
      readonly type: "thinking_delta"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly text: string
    }
  | {
      readonly type: "tool_input_delta"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      readonly text: string
    }
  | {
      readonly type: "tool_call_start"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      /** The tool's arguments. */
      readonly tool_input: Readonly<Record<string, unknown>>
      readonly execution_location: "backend" | "client"
      readonly call_index: number
      readonly nonce?: string | undefined
    }
  | {
      readonly type: "interceptor_decision"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      readonly action: "warn" | "ask" | "deny"
      readonly code: string | null
      readonly message: string | null
    }
  | {
      readonly type: "tool_approval_request"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      /** Send it back with the answer. Empty if only an operator may answer. */
      readonly nonce: string
      /** Present if only an operator may answer. The client then shows no buttons. */
      readonly approvals_by?: "operator" | undefined
      readonly expires_at: number
      /** The MCP server behind the tool; null for a local tool. */
      readonly server: string | null
      /** The tool's arguments. */
      readonly tool_input: Readonly<Record<string, unknown>>
      readonly resolved_qualifier: string | null
      readonly reason: string | null
    }
  | {
      readonly type: "approval_resolved"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly approved: boolean
      readonly edited: boolean
      readonly decided_by: string
    }
  | {
      readonly type: "elicitation_request"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      readonly nonce: string
      readonly expires_at: number
      /** The MCP server behind the tool; null for a local tool. */
      readonly server: string | null
      readonly mode: "form" | "url"
      readonly message: string
      /** JSON Schema of a form's values. */
      readonly schema?: Readonly<Record<string, unknown>> | undefined
      /** The page for the user to open, in mode `url`. */
      readonly url?: string | undefined
    }
  | {
      readonly type: "elicitation_resolved"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly action: "accept" | "decline" | "cancel"
      readonly decided_by: string
    }
  | {
      readonly type: "tool_call_complete"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
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
      readonly duration_ms: number
      readonly server: string | null
      readonly execution_location: "backend" | "client"
    }
  | {
      readonly type: "tool_call_interrupted"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      readonly reason: "cancelled" | "crashed" | "lost"
      readonly outcome: "unknown" | "not_started"
    }
  | {
      readonly type: "tool_output_chunk"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly tool_name: string
      readonly stream: "stdout" | "stderr"
      readonly text: string
      readonly seq: number
    }
  | {
      readonly type: "data"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly tool_call_id: string
      readonly run_id: string
      readonly name: string
      /** Any JSON value. */
      readonly value?: unknown | undefined
      readonly transient?: true | undefined
    }
  | {
      readonly type: "run_queued"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly run_id: string
      readonly position: number
    }
  | {
      readonly type: "run_withdrawn"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly run_id: string
    }
  | {
      readonly type: "user_message_added"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly content: readonly (TextBlock | ImageBlock)[]
    }
  | {
      readonly type: "task_registered"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly task_id: string
      readonly agent_name: string
      /** The first characters of the task. */
      readonly description: string
      readonly tool_call_id: string
    }
  | {
      readonly type: "task_progress"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly task_id: string
      readonly agent_name: string
      readonly turn: number
      readonly tool_name: string | null
      readonly usage: Usage | null
    }
  | {
      readonly type: "task_completed"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly task_id: string
      readonly agent_name: string
      readonly disposition: "completed" | "interrupted" | "failed"
      readonly reason?: string | undefined
      /** The response, unless the task failed. */
      readonly result?: string | undefined
      readonly error?:
        | {
            readonly code: string
            /** A more specific code, if the tool has one. */
            readonly sub_code?: string | undefined
            readonly message: string
          }
        | null
        | undefined
      readonly usage: Usage
    }
  | {
      readonly type: "compaction"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly chars: number
      readonly tokens_before: number
      readonly tokens_after: number
    }
  | {
      readonly type: "sub_agent_start"
      readonly sub_agent_id: string
      readonly agent_name: string
      readonly tool_call_id: string
      readonly parent_sub_agent_id: string | null
      readonly turn: number
      readonly task_id?: string | undefined
    }
  | {
      readonly type: "sub_agent_end"
      readonly sub_agent_id: string
      readonly outcome: "completed" | "interrupted" | "failed"
      /** Reason of an interruption. */
      readonly reason?: string | undefined
      readonly error?:
        | {
            readonly code: string
            readonly message: string
            /** The provider's own message if a model call failed. Only with the option `showProviderErrors`, and with `dev`. */
            readonly provider_message?: string | undefined
          }
        | undefined
      readonly usage: Usage
      readonly duration_ms: number
    }
  | {
      readonly type: "status"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly run_id: string
      readonly message: string
    }
  | {
      readonly type: "heartbeat"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly timestamp: number
    }
  | {
      readonly type: "stream_retry"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly attempt: number
      readonly error: string
    }
  | {
      readonly type: "stream_error"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly error: string
    }
  | {
      readonly type: "turn_complete"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly turn: number
      readonly usage: Usage
    }
  | {
      readonly type: "max_turns_reached"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly turn_count: number
      readonly max_turns: number
      /** Text that the agent's `onMaxTurns` returned. */
      readonly summary?: string | undefined
    }
  | {
      readonly type: "budget_exceeded"
      /** The sub-agent that the event belongs to. Absent for the session itself. */
      readonly sub_agent_id?: string | undefined
      readonly total_cost: number
      readonly budget: number
    }
  | {
      readonly type: "stream_complete"
      /** Never present, because a sub-agent ends with `sub_agent_end`. */
      readonly sub_agent_id?: string | undefined
      readonly usage: Usage
      readonly terminal_disposition: "completed" | "interrupted"
      readonly reason?: string | undefined
    }
  | {
      readonly type: "error"
      /** Never present, because a sub-agent ends with `sub_agent_end`. */
      readonly sub_agent_id?: string | undefined
      readonly error: string
      readonly code: string
      /** The provider's own message if a model call failed. Only with the option `showProviderErrors`, and with `dev`. */
      readonly provider_message?: string | undefined
    }
