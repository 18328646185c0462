/** Notifications of a server, such as progress. Each takes some 0.05 ms. */
const perSecond = 2_000
/** So many may come at once after a pause. */
const burst = 2_000

export interface Pace {
  /** Counts messages, and gives the milliseconds to wait before more is read. */
  spend(messages: number): number
}

/**
 * Limits how fast a stream of a server is read, so that handling its messages takes a small part of a core at most. The
 * rest waits at the server's end.
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
