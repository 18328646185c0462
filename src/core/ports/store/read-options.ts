/** The part of a log that `SessionLog.read` returns. */
export interface ReadOptions {
  readonly afterSeq: number
  readonly limit: number
  /**
   * Maximum characters of a page as JSON. The page ends with the entries of the stored row that reaches this bound.
   * Default: no bound.
   */
  readonly maxCharacters?: number
  /** Default true. */
  readonly deltas?: boolean
  /**
   * If false, `historyReplaced` events are left out. They may be large, and subscribers never receive them. Default
   * true.
   */
  readonly replacedHistories?: boolean
  /**
   * If true, only the events of background tasks are read, and the other options have no effect. The time of the read
   * depends on the number of these events, not on the size of the log. Default false.
   */
  readonly tasksOnly?: boolean
}
