import type { Firing, Schedule, Schedules } from "../../../core/ports/store/schedules.ts"
import type { Clock } from "../../../core/time/clock.ts"
import { makeLargeContents } from "../rows/large/large-contents.ts"
import { createFiredSession } from "../rows/schedule-rows.ts"
import { decideFiringEffect, type FiringEffect, revokedEffect } from "../rules/firing-effects.ts"
import type { Versions } from "../rules/versions.ts"
import { lockFiredSession, lockSchedule, writeStep } from "../sql/schedules.ts"
import { createSession } from "../sql/sessions.ts"
import type { WatchHub } from "../watch-hub.ts"
import type { Database } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import type { PutOptions } from "./inbox.ts"
import { putInTree, type TreeChange } from "./tree.ts"

export interface SchedulesParts {
  readonly clock: Clock
  readonly versions: Versions
  readonly hub: WatchHub
}

export function createAdvance(
  database: Database,
  { clock, versions, hub }: SchedulesParts,
): Schedules["advance"] {
  return async (step) => {
    const { schedule, firing } = step
    const texts = firing === null ? undefined : await makeLargeContents(firing.message)
    const { outcome, arrivals } = await database.write(() => {
      const now = clock.now()
      if (!runSteps(database, now, lockSchedule(schedule))) {
        return { outcome: { status: "changed" as const }, arrivals: [] }
      }
      const options = { versions, limits: firing?.limits, now, ...(texts !== undefined && { texts }) }
      const fired = firing === null ? null : fire(database, schedule, firing, options)
      const outcome = runSteps(database, now, writeStep(step, fired?.outcome ?? null))
      return { outcome, arrivals: fired?.arrivals ?? [] }
    })
    for (const arrival of arrivals) hub.arrived(arrival)
    return outcome
  }
}

/** Puts the message of a firing. Must be called inside a transaction. */
function fire(
  database: Database,
  schedule: Schedule,
  firing: Firing,
  options: PutOptions,
): TreeChange<FiringEffect> {
  runSteps(database, options.now, createSession(createFiredSession(schedule, firing)))
  if (!runSteps(database, options.now, lockFiredSession(firing))) {
    return { outcome: revokedEffect, arrivals: [] }
  }
  const { outcome, arrivals } = putInTree(database, firing.message, options)
  return { outcome: decideFiringEffect(outcome), arrivals }
}
