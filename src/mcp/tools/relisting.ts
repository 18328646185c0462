import { sleep } from "../../core/time/sleep.ts"

export interface Relisting {
  /** The server says that its list has changed. */
  announce(): void
  /**
   * Resolves when the last announced list has been read or could not be read, after `boundMs`, and when the signal
   * aborts.
   */
  settled(signal: AbortSignal): Promise<void>
}

export interface RelistingOptions {
  /** Reads the list. Must not reject. */
  readonly read: () => Promise<void>
  /** Pause before each reading, because a server may announce many changes at once. */
  readonly pauseMs: number
  /** Longest time that a caller waits: a server that announces a list and never sends it must not hold up calls. */
  readonly boundMs: number
  /** Ends all waiting, and reads no more. */
  readonly signal: AbortSignal
}

/** Reads a list again after each announcement of a change, one reading at a time. */
export function createRelisting({ read, pauseMs, boundMs, signal: ended }: RelistingOptions): Relisting {
  let isStale = false
  let reading: Promise<void> | null = null

  async function readUntilFresh(): Promise<void> {
    while (isStale && !ended.aborted) {
      await sleep(pauseMs, ended)
      isStale = false
      if (!ended.aborted) await read()
    }
    reading = null
  }

  return {
    announce() {
      isStale = true
      reading ??= readUntilFresh()
    },
    async settled(signal) {
      if (reading === null) return
      const over = new AbortController()
      const patience = sleep(boundMs, AbortSignal.any([signal, ended, over.signal]))
      await Promise.race([reading, patience])
      over.abort()
    },
  }
}
