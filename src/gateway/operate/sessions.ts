import type {
  Directory,
  DirectoryPage,
  ListedRun,
  ListedSession,
  RunQuery,
  SessionQuery,
} from "../../core/ports/store/directory.ts"

/** Sessions and runs of the store, of all principals and agents, newest first. */
export interface GatewaySessions {
  /**
   * Lists one page of sessions. `next` is the `after` of the next page. A page has at most `limit` sessions, or 50.
   */
  list(query?: ListOptions<SessionQuery>): Promise<DirectoryPage<ListedSession>>
  /** Resolves to null if there is no such session. */
  get(sessionId: string): Promise<ListedSession | null>
  /** Lists one page of runs. */
  runs(query?: ListOptions<RunQuery>): Promise<DirectoryPage<ListedRun>>
  /** Finds a run by its id alone. Resolves to null if there is no such run. */
  run(runId: string): Promise<ListedRun | null>
}

export type ListOptions<Query extends { readonly limit: number }> = Omit<Query, "limit"> &
  Partial<Pick<Query, "limit">>

const defaultLimit = 50

/** Creates the operations on a directory that is opened at the first use. */
export function createGatewaySessions(directory: () => Promise<Directory>): GatewaySessions {
  return {
    list: async (query = {}) => (await directory()).sessions({ limit: defaultLimit, ...query }),
    get: async (sessionId) => (await directory()).session(sessionId),
    runs: async (query = {}) => (await directory()).runs({ limit: defaultLimit, ...query }),
    run: async (runId) => (await directory()).run(runId),
  }
}
