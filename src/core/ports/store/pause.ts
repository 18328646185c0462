/**
 * Marks a store whose work must not start, such as a copy that was restored from a backup: its runs, deliveries and
 * schedules may have been continued by the original.
 */
export interface StorePause {
  /** Returns the time of the mark in milliseconds since the Unix epoch. Null if there is none. */
  since(): Promise<number | null>
  /** Sets the mark, or removes it with null. */
  set(at: number | null): Promise<void>
}
