import { setTimeout as delay } from "node:timers/promises"
import type { Entry } from "../../../src/core/log/entries.ts"
import { maxDirectoryPage } from "../../../src/core/ports/store/directory.ts"
import type { SessionLog } from "../../../src/core/ports/store/session-log.ts"
import type { Store } from "../../../src/core/ports/store/store.ts"
import { systemClock } from "../../../src/core/time/clock.ts"
import { createLogger } from "../../../src/platform/logging/logger.ts"
import type { ScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import { patienceMs } from "../../patience.ts"
import type { Observation } from "../checks/observation.ts"
import type { ScenarioName } from "../scenarios/scenarios.ts"
import { deliveriesOf } from "./deliveries.ts"
import { effectsIn } from "./effects.ts"
import { tagOf } from "./model.ts"
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

/** Collects the observations of ended sessions from a running gateway and from its store. */
export async function observe(
  sessions: readonly PlayedSession[],
  { folder, store, upstream }: ObservedRound,
): Promise<readonly Observation[]> {
  const opened = await openTestStore(store, {
    clock: systemClock,
    logger: createLogger({ level: "error" }),
  })
  const observed = async (sessionId: string) => {
    const entries = await entriesOf(opened.log, sessionId)
    const events = entries.filter((entry) => entry.kind === "event")
    return {
      sessionId,
      entries,
      deliveries: await deliveriesOf(folder, sessionId, events),
      effects: (await effectsIn(folder)).filter((effect) => effect.sessionId === sessionId),
    }
  }
  try {
    return await Promise.all(
      sessions.map(async ({ scenario, client }) => {
        const below = await sessionsBelow(opened, client.id)
        return {
          scenario,
          client,
          ...(await observed(client.id)),
          reread: await client.reread(),
          modelCalls: upstream.requests.map(({ body }) => body).filter((body) => tagOf(body) === client.tag),
          below: await Promise.all(
            below.map(async ({ id, parent }) => ({ parent, ...(await observed(id)) })),
          ),
        }
      }),
    )
  } finally {
    await opened.close()
  }
}

/** Waits until no session below has work left. The sessions of a canceled run end after that run. */
async function sessionsBelow({ directory }: Store, rootId: string) {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const { items } = await directory.sessions({ rootId, limit: maxDirectoryPage })
    const isOver = items.every(({ state }) => state === "idle")
    if (!isOver && performance.now() < deadline) {
      await delay(50)
      continue
    }
    return items.flatMap(({ id, parent }) => (parent === null ? [] : [{ id, parent }]))
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
