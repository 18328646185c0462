import { vi } from "vitest"
import type { EventEntry } from "../../../src/core/log/entries.ts"
import type { SessionEvents } from "./serving.ts"

/** Maximum kills of a run in a row without progress. With more than five, the gateway gives the run up. */
const mostKills = 4

const progressTypes: readonly string[] = [
  "messageCompleted",
  "toolCallCompleted",
  "waitOpened",
  "waitResolved",
  "runCompleted",
  "runFailed",
]

/**
 * Returns a function to call before each kill at a random time. It waits if a run would be killed too often without
 * progress. On a slow machine, a short life of a process ends before a run has made any.
 */
export function createKillGuard(tree: () => Promise<readonly SessionEvents[]>): () => Promise<void> {
  /** By session: its progress at the last kill, and the kills since that progress. */
  const killed = new Map<string, { readonly progress: number; readonly kills: number }>()

  return async () => {
    const runs = await vi.waitUntil(
      async () => {
        const open = (await tree()).filter(isRunning).map(({ sessionId, events }) => {
          const progress = events.filter(({ event }) => progressTypes.includes(event.type)).length
          const before = killed.get(sessionId)
          return { sessionId, progress, kills: before?.progress === progress ? before.kills : 0 }
        })
        return open.every(({ kills }) => kills < mostKills) ? open : null
      },
      { interval: 100 },
    )
    for (const { sessionId, progress, kills } of runs) killed.set(sessionId, { progress, kills: kills + 1 })
  }
}

/** Returns true for a session with a started run that neither has ended nor waits. */
function isRunning({ events }: SessionEvents): boolean {
  return countOf(events, "runStarted") > countOf(events, "runCompleted", "runFailed") && !isWaiting(events)
}

function isWaiting(events: readonly EventEntry[]): boolean {
  return countOf(events, "waitOpened") > countOf(events, "waitResolved")
}

function countOf(events: readonly EventEntry[], ...types: readonly string[]): number {
  return events.filter(({ event }) => types.includes(event.type)).length
}
