/**
 * Takes the contents of old events out of the log. The events keep their places and are read as before, more slowly.
 * They no longer count to the stored bytes of their session, but their compressed size counts to those of its
 * principal.
 */
export interface Archive {
  /** Resolves to sessions whose history was compacted or replaced since they were archived, at most `limit`. */
  due(limit: number): Promise<readonly DueArchive[]>
  /**
   * Archives some of the events after `afterSeq` and before `beforeSeq`. Without `afterSeq`, continues where the last
   * call for this session ended. Resolves to the sequence number of the last examined event, or to null if no event
   * is left or the session does not exist. Calls may overlap, also between processes. Each event is archived once.
   */
  move(sessionId: string, range: ArchiveRange): Promise<number | null>
  /** Marks the session as archived. It stays due if its history was compacted or replaced after `due` was called. */
  done(due: DueArchive): Promise<void>
}

export interface DueArchive {
  readonly sessionId: string
  /** Sequence number of its newest event that compacted or replaced the history. */
  readonly seq: number
}

export interface ArchiveRange {
  readonly afterSeq?: number
  readonly beforeSeq: number
}
