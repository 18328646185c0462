/** Answers of the routes for operators. Times are in milliseconds since the Unix epoch. */

export interface ListedSession {
  readonly id: string
  readonly agent: string
  readonly tenant: string
  readonly userId: string
  readonly state: string
  readonly activeRunId: string | null
  readonly parent: { readonly sessionId: string; readonly runId: string; readonly toolCallId: string } | null
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly revokedAt: number | null
  readonly storedBytes: number
}

export interface ListedRun {
  readonly id: string
  readonly sessionId: string
  readonly agent: string
  readonly tenant: string
  readonly userId: string
  readonly state: string
  readonly createdAt: number
}

export interface SessionDetail {
  readonly session: ListedSession
  readonly runs: readonly ListedRun[]
  readonly children: readonly ListedSession[]
  readonly grants: readonly {
    readonly toolName: string
    readonly qualifier: string | null
    readonly at: number
  }[]
}

export interface EventEntry {
  readonly seq: number
  readonly at: number
  readonly runId: string | null
  readonly event: { readonly type: string } & Readonly<Record<string, unknown>>
}

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
