/** Maximum notifications of a server, such as progress, in a second. Each takes about 0.05 ms. */
const perSecond = 2_000
/** Maximum number of notifications at once after a pause. */
const burst = 2_000

export interface Pace {
  /** Counts messages, and returns the milliseconds to wait before the next read. */
  spend(messages: number): number
}

/**
 * Limits how fast a stream of a server is read, so that its messages use only a small part of a core. Further
 * messages wait at the server.
 */
export function createPace(): Pace {
  let left = burst
  let since = performance.now()
  return {
    spend(messages) {
      const now = performance.now()
      left = Math.min(left + ((now - since) / 1_000) * perSecond, burst) - messages
      since = now
      return left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1_000)
    },
  }
}
