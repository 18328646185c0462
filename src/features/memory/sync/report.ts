/** The outcome of one synchronization. Paths are below the folder, with slashes. */
export interface SyncReport {
  /** Files whose content is now stored. */
  readonly imported: readonly string[]
  /** Files that were written because the stored memory was new or had changed. */
  readonly exported: readonly string[]
  /** Files that were deleted by hand. Their memories are now forgotten. */
  readonly forgotten: readonly string[]
  /** Files that were removed because their memories were forgotten. */
  readonly removed: readonly string[]
  /** Files that were deleted by hand although their memories had changed. They were written again. */
  readonly restored: readonly string[]
  /** Memories whose file and stored memory changed in different ways. Both are kept. */
  readonly conflicts: readonly SyncConflict[]
  /** Files that could not be synchronized. They and their memories are unchanged. */
  readonly problems: readonly SyncProblem[]
}

export interface SyncConflict {
  readonly path: string
  /** File with the stored memory. Delete it after `path` has the content to be stored. */
  readonly conflictPath: string
}

export interface SyncProblem {
  readonly path: string
  readonly problem: string
}

/** A report in progress. */
export type OpenReport = { -readonly [Part in keyof SyncReport]: SyncReport[Part][number][] }

export function createReport(): OpenReport {
  return { imported: [], exported: [], forgotten: [], removed: [], restored: [], conflicts: [], problems: [] }
}
