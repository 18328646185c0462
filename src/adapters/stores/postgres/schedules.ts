import type { Firing, Schedule, Schedules } from "../../../core/ports/store/schedules.ts"
import { makeLargeContents } from "../rows/large/large-contents.ts"
import { createFiredSession } from "../rows/schedule-rows.ts"
import { decideFiringEffect, type FiringEffect, revokedEffect } from "../rules/firing-effects.ts"
import type { Versions } from "../rules/versions.ts"
import { lockFiredSession, lockSchedule, writeStep } from "../sql/schedules.ts"
import { createSession } from "../sql/sessions.ts"
import type { Database, Query } from "./database/database.ts"
import { runSteps } from "./database/sql-database.ts"
import type { PutOptions } from "./inbox/inbox.ts"
import { putInTree } from "./tree.ts"

export interface SchedulesParts {
  readonly versions: Versions
  readonly onArrival: (sessionId: string) => void
}

export function createAdvance(
  database: Database,
  { versions, onArrival }: SchedulesParts,
): Schedules["advance"] {
  return async (step) => {
    const { schedule, firing } = step
    const texts = firing === null ? undefined : await makeLargeContents(firing.message)
    const { outcome, isDue } = await database.transaction(async (query) => {
      if (!(await runSteps(query, lockSchedule(schedule)))) {
        return { outcome: { status: "changed" as const }, isDue: false }
      }
      const options = { versions, limits: firing?.limits, ...(texts !== undefined && { texts }) }
      const fired = firing === null ? null : await fire(query, schedule, firing, options)
      const outcome = await runSteps(query, writeStep(step, fired?.effect ?? null))
      return { outcome, isDue: fired?.isDue ?? false }
    })
    if (isDue && firing !== null) onArrival(firing.message.sessionId)
    return outcome
  }
}

/** Puts the message of a firing. Must be called inside a transaction. */
async function fire(
  query: Query,
  schedule: Schedule,
  firing: Firing,
  options: PutOptions,
): Promise<{ readonly effect: FiringEffect; readonly isDue: boolean }> {
  await runSteps(query, createSession(createFiredSession(schedule, firing)))
  if (!(await runSteps(query, lockFiredSession(firing)))) return { effect: revokedEffect, isDue: false }
  const { outcome, isDue } = await putInTree(query, firing.message, options)
  return { effect: decideFiringEffect(outcome), isDue }
}
