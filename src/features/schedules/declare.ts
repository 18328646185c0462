import { isDeepStrictEqual } from "node:util"
import { ConfigurationError, GatewayError } from "../../core/errors.ts"
import {
  invalidSchedule,
  type Schedule,
  type ScheduleBounds,
  type Schedules,
} from "../../core/ports/store/schedules.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { ScheduleDefinition } from "./options.ts"
import type { Scheduler } from "./scheduler.ts"
import { parseSpec } from "./terms.ts"

export interface DeclareParts {
  readonly agent: string
  readonly schedules: Schedules
  readonly scheduler: Scheduler
  readonly ownerOf: (definition: ScheduleDefinition) => Principal
  readonly bounds: ScheduleBounds
}

const pageSize = 500

/**
 * Updates the stored schedules of the agent's options to match the options. An unchanged schedule keeps its next
 * occurrence, and a paused one stays paused. The process that starts last decides.
 */
export async function declareSchedules(
  definitions: readonly ScheduleDefinition[],
  { agent, schedules, scheduler, ownerOf, bounds }: DeclareParts,
): Promise<void> {
  const stored = await readStoredSchedules(schedules, agent)
  const wanted = definitions.map((definition) => {
    const { name, userId, tenant, ...terms } = definition
    const parsed = parseSpec(terms)
    if ("problem" in parsed) throw new ConfigurationError(`schedules: ${name}: ${parsed.problem}.`)
    return { name, owner: ownerOf(definition), spec: parsed.spec }
  })
  for (const schedule of stored) {
    if (!wanted.some((each) => isOf(schedule, each))) await schedules.remove(schedule.id)
  }
  for (const each of wanted) {
    const schedule = stored.find((known) => isOf(known, each))
    const { name, owner, spec } = each
    if (schedule === undefined)
      await scheduler.create({ ...owner, agent, name, spec, origin: "options", bounds }).catch(ignoreCreated)
    // If another process changed it meanwhile, it read the same options, or started later.
    else if (schedule.reason === invalidSchedule || !isDeepStrictEqual(schedule.spec, spec))
      await scheduler.replace(schedule, spec)
  }
}

async function readStoredSchedules(schedules: Schedules, agent: string): Promise<readonly Schedule[]> {
  const stored: Schedule[] = []
  for (;;) {
    const after = stored.at(-1)?.id ?? ""
    const page = await schedules.list({ agent, origin: "options", after, limit: pageSize })
    stored.push(...page)
    if (page.length < pageSize) return stored
  }
}

function isOf(
  schedule: Schedule,
  { name, owner }: { readonly name: string; readonly owner: Principal },
): boolean {
  return schedule.name === name && schedule.tenant === owner.tenant && schedule.userId === owner.userId
}

/** Ignores the error that the schedule exists. Another process that starts at the same time may be faster. */
function ignoreCreated(error: unknown): void {
  if (!(error instanceof GatewayError) || error.code !== "schedule_exists") throw error
}
