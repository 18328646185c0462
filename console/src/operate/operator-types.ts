import type { OperationOutput } from "../../../src/operations/operations.ts"

/** Responses of the routes for operators. Times are in milliseconds since the Unix epoch. */

export type SessionDetail = OperationOutput<"sessions.show">
export type ListedSession = SessionDetail["session"]
export type ListedRun = SessionDetail["runs"][number]
export type EventEntry = OperationOutput<"sessions.events">["items"][number]

interface WaitFacts {
  readonly waitId: string
  readonly sessionId: string
  readonly tenant: string
  readonly userId: string
  readonly runId: string
  readonly toolCallId: string
  readonly toolName: string
  readonly answerSchema: Readonly<Record<string, unknown>> | null
  readonly nonce: string
  readonly openedAt: number
  readonly expiresAt: number
}

type Input = Readonly<Record<string, unknown>>

export type OpenWait =
  | (WaitFacts & {
      readonly kind: "approval"
      readonly payload: {
        readonly input: Input
        readonly qualifier: string | null
        readonly reason: string | null
      }
    })
  | (WaitFacts & { readonly kind: "clientTool"; readonly payload: { readonly input: Input } })
  | (WaitFacts & {
      readonly kind: "elicitation"
      readonly payload: {
        readonly server: string | null
        readonly question:
          | { readonly mode: "form"; readonly message: string; readonly schema: Input }
          | { readonly mode: "url"; readonly message: string; readonly url: string }
      }
    })

export interface OutboxRow {
  readonly number: number
  readonly id: string
  readonly sessionId: string
  readonly kind: string
  readonly preview: string
  readonly bytes: number
  readonly state: "waiting" | "dead"
  readonly attempts: number
  readonly lastError: string | null
  readonly createdAt: number
  readonly dueAt: number | null
}

export interface Status {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
}

export interface ListedSchedule {
  readonly id: string
  readonly name: string
  readonly agent: string
  readonly tenant: string
  readonly userId: string
  readonly origin: "options" | "user" | "agent"
  readonly state: "active" | "paused" | "ended"
  /** Reason for which the gateway paused the schedule. */
  readonly reason: string | null
  readonly spec: {
    readonly cron?: string
    readonly every?: string
    readonly at?: number
    readonly timezone: string
    readonly message: string
    readonly session: "fresh" | "continue"
    readonly overlap: "skip" | "queue"
    readonly catchUp: "one" | "all" | "none"
    readonly limits?: { readonly maxTurns?: number; readonly maxBudgetUsd?: number }
  }
  readonly sessionId: string | null
  readonly nextAt: number | null
  readonly waiting: readonly number[]
  readonly isRunning: boolean
}

export interface Occurrence {
  readonly number: number
  readonly at: number
  readonly cause: "time" | "manual"
  readonly outcome: "started" | "skipped" | "missed"
  readonly reason: string | null
  readonly sessionId: string | null
  readonly runId: string | null
}

export interface ScheduleDetail {
  readonly schedule: ListedSchedule
  readonly history: readonly Occurrence[]
}

export interface MemoryOwner {
  readonly tenant: string
  readonly userId: string
  /** Null for memories that all agents share. */
  readonly agent: string | null
  readonly count: number
  readonly updatedAt: number
}

export interface MemoryRecord {
  readonly entityType: string
  readonly name: string
  readonly content: string
  readonly tags: readonly string[]
  readonly origin: { readonly sessionId: string; readonly runId: string } | null
  readonly revision: string
  readonly updatedAt: number
  readonly expiresAt: number | null
}

/** An MCP server. */
export interface ToolSource {
  readonly agent: string
  readonly name: string
  readonly transport: string
  readonly state: string
  readonly detail: string | null
  readonly tools: readonly {
    readonly name: string
    readonly description: string
    readonly isEnabled: boolean
  }[]
}

/** The sandboxes of an agent's code. */
export interface SandboxState {
  readonly agent: string
  readonly backends: readonly SandboxBackend[]
  readonly problem: string | null
  readonly network: string
  readonly limits: readonly SandboxLimit[]
  readonly executions: {
    readonly running: number
    readonly maxRunning: number
    readonly waiting: number
    readonly maxWaiting: number
  }
  readonly warmPool: { readonly size: number; readonly max: number } | null
  readonly disk: {
    readonly directories: number
    readonly freeBytes: number
    readonly reservedBytes: number
  }
}

export interface SandboxBackend {
  readonly name: string
  readonly state: "inUse" | "usable" | "refused" | "unusable"
  readonly sandboxed: boolean
  readonly languages: readonly string[]
  readonly reason: string
}

export interface SandboxLimit {
  /** Units: bytes for `memory` and `disk`, milliseconds for `time`. */
  readonly name: "memory" | "processor time" | "processes" | "time" | "disk" | "files"
  readonly value: number
  /** The part that is not enforced. Null if there is none. */
  readonly gap: string | null
}

export interface SessionSandbox {
  readonly agent: string
  readonly session: { readonly id: string; readonly tenant: string; readonly userId: string }
  readonly running: number
  readonly waiting: number
  readonly usage: { readonly bytes: number; readonly entries: number } | null
  readonly isWarm: boolean
}
