/** This process's hold on the session that it processes (rule 8, liveness). */
export interface Hold {
  /** If false, another process may have taken the session, so this process starts no tool and no model call. */
  isCertain(): boolean
  /** Resolves when the hold is certain. Rejects with the signal's reason. */
  untilCertain(signal: AbortSignal): Promise<void>
  /**
   * Calls the listener once, when the hold is next lost or uncertain. Returns a function that removes the listener.
   */
  onLapse(listener: () => void): () => void
}

/** A hold that is never lost and never uncertain. */
export const certainHold: Hold = {
  isCertain: () => true,
  untilCertain: async (signal) => signal.throwIfAborted(),
  onLapse: () => () => undefined,
}
