/** Reports if other processes must leave this process's sessions alone (rule 8, liveness). */
export interface Liveness {
  /**
   * Returns false if other processes may take this process's sessions now. The process decides by its own monotonic
   * clock, with a margin, so the result turns false before any other process may act on it.
   */
  isLive(): boolean
  /**
   * Calls the listener with `false` when the process lapses, and with `true` when it is live again. A lapse is always
   * announced before its end, even if both are noticed at once. Returns a function that removes the listener.
   */
  onChange(listener: (isLive: boolean) => void): () => void
}

/** The liveness of a process that holds its sessions until it ends. */
export const alwaysLive: Liveness = { isLive: () => true, onChange: () => () => undefined }
