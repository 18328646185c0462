import type { Principal, SessionParent } from "./session-log.ts"

/**
 * Lists sessions and runs of all agents, newest first. The records exist as long as their sessions. Pages are stable:
 * a record that exists from the first page to the last is listed exactly once, even if others are created or removed
 * meanwhile.
 */
export interface Directory {
  /**
   * Publishes the agents that this process serves, until the directory is closed or the process ends. Replaces the
   * agents published before. Open runs of agents that no live process serves are listed as `unserved`.
   */
  serve(agents: readonly string[]): Promise<void>
  sessions(query: SessionQuery): Promise<DirectoryPage<ListedSession>>
  session(sessionId: string): Promise<ListedSession | null>
  runs(query: RunQuery): Promise<DirectoryPage<ListedRun>>
  run(runId: string): Promise<ListedRun | null>
}

/** Filters for sessions and runs. A record must match all of them. */
export interface DirectoryQuery {
  readonly principal?: Principal
  /** Sessions and runs of all users of this tenant. */
  readonly tenant?: string
  /** Names of agents. A record matches if its agent is one of them. */
  readonly agents?: readonly string[]
  /** Id of the session that started the session. */
  readonly parentSessionId?: string
  /** Id of the root of the session's tree. The root itself is part of the tree. */
  readonly rootId?: string
  /** Milliseconds since the Unix epoch, inclusive. */
  readonly createdFrom?: number
  /** Milliseconds since the Unix epoch, exclusive. */
  readonly createdBefore?: number
  /** The `next` of the previous page. Default: the first page. */
  readonly after?: DirectoryCursor
  /** Maximum number of records on the page, from 1 to `maxDirectoryPage`. */
  readonly limit: number
}

export const maxDirectoryPage = 200

export interface SessionQuery extends DirectoryQuery {
  readonly states?: readonly SessionState[]
}

export interface RunQuery extends DirectoryQuery {
  readonly sessionId?: string
  readonly states?: readonly RunState[]
}

export interface DirectoryPage<Listed> {
  readonly items: readonly Listed[]
  /**
   * The position at which to continue. Null after the last page. A page may have fewer records, or none, although
   * others follow, because the store reads a bounded number of records for each page.
   */
  readonly next: DirectoryCursor | null
}

/** A position between two records of a list. */
export interface DirectoryCursor {
  readonly createdAt: number
  readonly id: string
}

/**
 * State of a session. `idle`: there is no open run. `queued`: only a message waits. `waiting`: the open run waits for
 * an answer from outside. `unserved`: no live process serves the session's agent.
 */
export type SessionState = "idle" | "queued" | "running" | "waiting" | "unserved"

export type RunState = Exclude<SessionState, "idle"> | "completed" | "interrupted" | "failed"

export interface ListedSession extends Principal {
  readonly id: string
  /** The id that the client or the application gave it. Null if it has none. */
  readonly externalId: string | null
  readonly agent: string
  readonly parent: SessionParent | null
  readonly rootId: string
  readonly state: SessionState
  /** Id of the open run. */
  readonly activeRunId: string | null
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly revokedAt: number | null
  /** Size of its stored events and queued messages as JSON. */
  readonly storedBytes: number
}

export interface ListedRun extends Principal {
  readonly id: string
  readonly sessionId: string
  readonly agent: string
  /** Parent and root of its session. */
  readonly parent: SessionParent | null
  readonly rootId: string
  readonly state: RunState
  /** Time at which its message was accepted. 0 if an older version accepted it. */
  readonly createdAt: number
}
