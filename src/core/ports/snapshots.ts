import type { Lease } from "./session-log.ts"

/** Maximum bytes of each row of a snapshot: one is read or written in about a millisecond. */
export const snapshotRowBytes = 256 * 1024

/**
 * Folded conversations, at most one for each session. A snapshot is a cache of the log: without it, a process folds the
 * log from its start. The store does not know its form.
 */
export interface Snapshots {
  /**
   * Stores a snapshot with the rows of the former one that it keeps. Resolves to `stale`, and the session has no other
   * snapshot than before, if the session is gone, if it was claimed after this lease, or if the same version has a
   * snapshot that is as new.
   */
  put(lease: SnapshotLease, snapshot: NewSnapshot): Promise<"stored" | "stale">
  /** Resolves to the session's snapshot without its rows; null if it has none. */
  find(sessionId: string): Promise<Snapshot | null>
  /** Resolves to at most `limit` rows in their order, from the given number on. The first row has number 0. */
  rows(sessionId: string, range: SnapshotRange): Promise<readonly Uint8Array[]>
  /**
   * Removes the session's snapshot with its rows. Resolves to false, and removes nothing, if the session is gone or was
   * claimed after this lease.
   */
  drop(lease: SnapshotLease): Promise<boolean>
}

/** The lease in which a session was folded. It may have ended since. */
export type SnapshotLease = Pick<Lease, "sessionId" | "epoch">

export interface Snapshot {
  /** Version of the fold. */
  readonly version: number
  /** Sequence number of the newest event that the snapshot contains. */
  readonly seq: number
  readonly body: Uint8Array
}

export interface NewSnapshot extends Snapshot {
  /** Number of the first rows of the former snapshot that belong to this one too. The others are removed. */
  readonly keptRows: number
  /** The rows after those, each with at most `snapshotRowBytes`. */
  readonly rows: readonly Uint8Array[]
}

export interface SnapshotRange {
  readonly from: number
  readonly limit: number
}
