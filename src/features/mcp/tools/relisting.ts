import { sleep } from "../../../core/time/sleep.ts"

export interface Relisting {
  /** Reports that the server has announced a changed list. */
  announce(): void
  /**
   * Resolves when the last announced list was read or could not be read, after `boundMs`, and when the signal aborts.
   */
  settled(signal: AbortSignal): Promise<void>
}

export interface RelistingOptions {
  /** Reads the list. Must not reject. */
  readonly read: () => Promise<void>
  /** Milliseconds before each read, because a server may announce many changes at once. */
  readonly pauseMs: number
  /**
   * Maximum milliseconds that a caller waits. A server that announces a list and never sends it must not block calls.
   */
  readonly boundMs: number
  /** Ends all waits, and stops reading. */
  readonly signal: AbortSignal
}

/** Reads a list again after each announcement of a change, one read at a time. */
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
      const ending = new AbortController()
      const patience = sleep(boundMs, AbortSignal.any([signal, ended, ending.signal]))
      await Promise.race([reading, patience])
      ending.abort()
    },
  }
}
