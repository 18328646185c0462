import { systemClock } from "../../../src/core/clock.ts"
import type { Entry } from "../../../src/core/entries.ts"
import type { SessionLog } from "../../../src/core/ports/session-log.ts"
import { createLogger } from "../../../src/telemetry/logger.ts"
import type { ScriptedUpstream } from "../../../src/testing/scripted-upstream.ts"
import type { Observation } from "../checks/observation.ts"
import { deliveriesOf } from "./deliveries.ts"
import { effectsIn } from "./effects.ts"
import { tagOf } from "./model.ts"
import type { ScenarioName } from "./scenarios.ts"
import type { SessionClient } from "./session-client.ts"
import { openTestStore } from "./test-store.ts"

export interface ObservedRound {
  readonly folder: string
  readonly store: string
  readonly upstream: ScriptedUpstream
}

export interface PlayedSession {
  readonly scenario: ScenarioName
  readonly client: SessionClient
}

/** Gathers what there is to know of sessions that are over, from a gateway that still runs and from its store. */
export async function observe(
  sessions: readonly PlayedSession[],
  { folder, store, upstream }: ObservedRound,
): Promise<readonly Observation[]> {
  const effects = await effectsIn(folder)
  const { log, close } = await openTestStore(store, {
    clock: systemClock,
    logger: createLogger({ level: "error" }),
  })
  try {
    return await Promise.all(
      sessions.map(async ({ scenario, client }) => {
        const entries = await entriesOf(log, client.id)
        const events = entries.filter((entry) => entry.kind === "event")
        return {
          scenario,
          client,
          entries,
          deliveries: await deliveriesOf(folder, client.id, events),
          reread: await client.reread(),
          modelCalls: upstream.requests.map(({ body }) => body).filter((body) => tagOf(body) === client.tag),
          effects: effects.filter(({ sessionId }) => sessionId === client.id),
        }
      }),
    )
  } finally {
    await close()
  }
}

export async function entriesOf(log: SessionLog, sessionId: string): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (;;) {
    const page = await log.read(sessionId, { afterSeq: entries.at(-1)?.seq ?? 0, limit: 500 })
    if (page.length === 0) return entries
    entries.push(...page)
  }
}
