import type { Lease } from "./session-log.ts"

/** Maximum bytes of each row of a snapshot. Reading or writing a row of this size takes about a millisecond. */
export const snapshotRowBytes = 256 * 1024

/**
 * Folded conversations, at most one for each session. A snapshot is a cache: without it, a process folds the log from
 * the start. The store does not know the form of a snapshot.
 */
export interface Snapshots {
  /**
   * Stores a snapshot together with the rows of the former snapshot that it keeps. Resolves to `stale`, and leaves
   * the former snapshot in place, if the session does not exist, if the session was claimed after this lease, or if a
   * snapshot of the same version is at least as new.
   */
  put(lease: SnapshotLease, snapshot: NewSnapshot): Promise<"stored" | "stale">
  /** Resolves to the session's snapshot without its rows; null if it has none. */
  find(sessionId: string): Promise<Snapshot | null>
  /** Resolves to at most `limit` rows in their order, from the given number on. The first row has number 0. */
  rows(sessionId: string, range: SnapshotRange): Promise<readonly Uint8Array[]>
  /**
   * Removes the session's snapshot with its rows. Resolves to false, and removes nothing, if the session does not
   * exist or was claimed after this lease.
   */
  drop(lease: SnapshotLease): Promise<boolean>
}

/** The lease in which a session was folded. It may have ended since then. */
export type SnapshotLease = Pick<Lease, "sessionId" | "epoch">

export interface Snapshot {
  /** Version of the fold. */
  readonly version: number
  /** Sequence number of the newest event that the snapshot contains. */
  readonly seq: number
  readonly body: Uint8Array
}

export interface NewSnapshot extends Snapshot {
  /** Number of rows at the start of the former snapshot that also belong to this one. The other rows are removed. */
  readonly keptRows: number
  /** The further rows, each with at most `snapshotRowBytes`. */
  readonly rows: readonly Uint8Array[]
}

export interface SnapshotRange {
  readonly from: number
  readonly limit: number
}
