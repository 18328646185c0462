import { setTimeout as delay } from "node:timers/promises"
import type { Logger } from "../../core/ports/logger.ts"
import { type Bell, createBell } from "./bell.ts"

/**
 * Wakes those who watch a session or wait for arrivals. `changed` and `arrived` report this process's writes at once.
 * `poll` finds the writes of others. It runs only while a session is watched or arrivals are awaited.
 */
export interface WatchHub {
  watch(sessionId: string, signal: AbortSignal): AsyncIterable<void>
  arrivals(signal: AbortSignal): AsyncIterable<string>
  /** Wakes the session's watchers, unless they were already woken for this sequence number. */
  changed(sessionId: string, lastSeq: number): void
  arrived(sessionId: string): void
  readonly watched: readonly string[]
  /** Ends every iteration. */
  close(): void
}

export interface WatchHubOptions {
  readonly logger: Logger
  readonly pollMs: number
  /** Reports writes by `changed` and `arrived`. */
  readonly poll: (hub: WatchHub) => void | Promise<void>
}

/** Maximum pending arrivals. Arrivals are only hints, so a slow reader loses the rest. */
const maxPendingArrivals = 10_000

interface Watched {
  readonly bells: Set<Bell>
  lastSeq: number
}

export function createWatchHub(options: WatchHubOptions): WatchHub {
  const sessions = new Map<string, Watched>()
  const arrivals = new Set<{ readonly bell: Bell; readonly ids: Set<string> }>()
  const closing = new AbortController()
  let polling = false

  const hub: WatchHub = {
    async *watch(sessionId, signal) {
      const bell = createBell([signal, closing.signal])
      const watched = sessions.get(sessionId) ?? { bells: new Set(), lastSeq: -1 }
      sessions.set(sessionId, watched)
      watched.bells.add(bell)
      // The bell is rung at the start, so that the first read covers everything written before it.
      bell.ring()
      startPolling()
      try {
        while (await bell.wait()) yield
      } finally {
        bell.end()
        watched.bells.delete(bell)
        if (watched.bells.size === 0) sessions.delete(sessionId)
      }
    },
    async *arrivals(signal) {
      const waiting = { bell: createBell([signal, closing.signal]), ids: new Set<string>() }
      arrivals.add(waiting)
      startPolling()
      try {
        while (await waiting.bell.wait()) {
          for (const id of waiting.ids) {
            waiting.ids.delete(id)
            yield id
          }
        }
      } finally {
        waiting.bell.end()
        arrivals.delete(waiting)
      }
    },
    changed(sessionId, lastSeq) {
      const watched = sessions.get(sessionId)
      if (watched === undefined || watched.lastSeq === lastSeq) return
      watched.lastSeq = lastSeq
      for (const bell of watched.bells) bell.ring()
    },
    arrived(sessionId) {
      for (const { bell, ids } of arrivals) {
        if (ids.size < maxPendingArrivals) ids.add(sessionId)
        bell.ring()
      }
    },
    get watched() {
      return [...sessions.keys()]
    },
    close() {
      closing.abort()
    },
  }

  function startPolling(): void {
    if (polling) return
    polling = true
    pollWhileWatched().catch((error: unknown) => options.logger.error({ error }, "Watching the store ended."))
  }

  async function pollWhileWatched(): Promise<void> {
    let failing = false
    try {
      while (!closing.signal.aborted && (sessions.size > 0 || arrivals.size > 0)) {
        try {
          await options.poll(hub)
          failing = false
        } catch (error) {
          if (!failing) options.logger.warn({ error }, "The store cannot be watched now.")
          failing = true
        }
        await delay(options.pollMs, undefined, { ref: false })
      }
    } finally {
      polling = false
    }
  }

  return hub
}
