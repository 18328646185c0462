import {
  type AdvanceOutcome,
  type CreateOutcome,
  type Firing,
  maxDateMs,
  maxKeptOccurrences,
  type NewSchedule,
  type Schedule,
  type ScheduleBounds,
  type ScheduleStep,
  type Schedules,
} from "../../../core/ports/store/schedules.ts"
import { escapeText, readInteger, readText } from "../rows/columns.ts"
import { makeLargeContents } from "../rows/large/large-contents.ts"
import {
  createFiredSession,
  occurrenceColumns,
  scheduleColumns,
  toOccurrence,
  toOccurrenceRows,
  toSchedule,
} from "../rows/schedule-rows.ts"
import { decideFiringEffect, type FiringEffect, revokedEffect } from "../rules/firing-effects.ts"
import type { Inboxes, InboxTransaction, PutOptions } from "./inbox.ts"
import { createSession } from "./sessions.ts"
import {
  createText,
  isOneOfTexts,
  joinConditions,
  lockName,
  lockRows,
  now,
  records,
  type Sql,
  type SqlDatabase,
  type Steps,
  schema,
  sql,
} from "./statement.ts"
import { putInTree, type TreeChange } from "./tree.ts"

const selected = sql`SELECT ${createText(scheduleColumns)},
    coalesce(run.state IN ('queued', 'open'), false) AS is_running
  FROM ${schema}schedule LEFT JOIN ${schema}run ON run.id = schedule.last_run_id`

export interface SchedulesParts {
  readonly inTransaction: InboxTransaction
  /** Called with each session that a firing gives work. */
  readonly onArrival: (sessionId: string) => void
}

export function createSchedules(
  { read, transaction }: SqlDatabase,
  { inTransaction, onArrival }: SchedulesParts,
): Schedules {
  return {
    async advance(step) {
      const { firing } = step
      const texts = firing === null ? undefined : await makeLargeContents(firing.message)
      const options = { limits: firing?.limits, texts }
      const { outcome, arrivals } = await inTransaction((inboxes) => advance(inboxes, step, options))
      for (const arrival of arrivals) onArrival(arrival)
      return outcome
    },
    create: (schedule, bounds) => transaction(() => create(schedule, bounds)),
    async find(scheduleId) {
      const [row] = await read(sql`${selected} WHERE schedule.id = ${escapeText(scheduleId)}`)
      return row === undefined ? null : toSchedule(row)
    },
    async list({ agent, tenant, userId, origin, after = "", limit }) {
      const conditions = joinConditions([
        equals("agent", agent),
        equals("tenant", tenant),
        equals("user_id", userId),
        equals("origin", origin),
      ])
      const rows = await read(sql`${selected} WHERE schedule.id > ${escapeText(after)} AND ${conditions}
        ORDER BY schedule.id LIMIT ${limit}`)
      return rows.map(toSchedule)
    },
    async due({ agent, limit }) {
      const rows = await read(sql`${selected} WHERE schedule.agent = ${escapeText(agent)}
        AND schedule.wake_at <= ${now} ORDER BY schedule.wake_at, schedule.id LIMIT ${limit}`)
      return rows.map(toSchedule)
    },
    async nextDue(agent) {
      const [row] = await read(sql`SELECT min(wake_at) - ${now} AS due_in FROM ${schema}schedule
        WHERE agent = ${escapeText(agent)} AND wake_at BETWEEN 0 AND ${maxDateMs}`)
      return row === undefined || row.due_in === null ? null : readInteger(row, "due_in")
    },
    remove: (scheduleId) => transaction(() => remove([escapeText(scheduleId)])),
    async occurrences(scheduleId, limit) {
      const rows = await read(sql`SELECT ${createText(occurrenceColumns)} FROM ${schema}schedule_occurrence
        WHERE schedule_id = ${escapeText(scheduleId)} ORDER BY number DESC LIMIT ${limit}`)
      return rows.map(toOccurrence)
    },
  }
}

function equals(column: string, value: string | undefined): Sql | null {
  return value === undefined ? null : sql`schedule.${createText(column)} = ${escapeText(value)}`
}

/** Removes schedules by their stored ids. Returns false if there were none. */
function* remove(ids: readonly string[]): Steps<boolean> {
  const removed = yield sql`DELETE FROM ${schema}schedule WHERE ${isOneOfTexts("id", ids)} RETURNING id`
  yield sql`DELETE FROM ${schema}schedule_occurrence WHERE ${isOneOfTexts("schedule_id", ids)}`
  return removed.length > 0
}

function* create(schedule: NewSchedule, { perOwner, perAgent }: ScheduleBounds): Steps<CreateOutcome> {
  const agent = escapeText(schedule.agent)
  // Without the lock, two concurrent creations would each count without the other.
  yield lockName(JSON.stringify(["schedules", agent]))
  const ofAgent = sql`agent = ${agent}`
  const ofOwner = sql`${ofAgent} AND tenant = ${escapeText(schedule.tenant)}
    AND user_id = ${escapeText(schedule.userId)}`
  const [taken] = yield sql`SELECT id FROM ${schema}schedule
    WHERE ${ofOwner} AND origin = ${schedule.origin} AND name = ${escapeText(schedule.name)}`
  if (taken !== undefined) return "nameTaken"
  if (!(yield* makeRoom(ofOwner, perOwner))) return "ownerHasTooMany"
  if (!(yield* makeRoom(ofAgent, perAgent))) return "agentHasTooMany"
  yield insertSchedule(schedule)
  return "created"
}

/** Removes ended schedules if there would be more than `bound`. Returns false if that is not enough. */
function* makeRoom(condition: Sql, bound: number): Steps<boolean> {
  const [row = {}] = yield sql`SELECT count(*) AS count FROM ${schema}schedule WHERE ${condition}`
  const excess = readInteger(row, "count") - bound + 1
  if (excess <= 0) return true
  const ended = yield sql`SELECT id FROM ${schema}schedule WHERE ${condition} AND state = 'ended'
    ORDER BY created_at, id LIMIT ${excess}`
  yield* remove(ended.map((row) => readText(row, "id")))
  return ended.length >= excess
}

function insertSchedule(schedule: NewSchedule): Sql {
  const { id, agent, tenant, userId, name, origin, spec, sessionId, createdAt, nextAt, wakeAt } = schedule
  return sql`INSERT INTO ${schema}schedule
      (id, agent, tenant, user_id, name, origin, spec, session_id, created_at, state, next_at, waiting, wake_at)
    VALUES (${id}, ${escapeText(agent)}, ${escapeText(tenant)}, ${escapeText(userId)}, ${escapeText(name)}, ${origin},
      ${JSON.stringify(spec)}, ${sessionId}, ${createdAt}, ${nextAt === null ? "ended" : "active"}, ${nextAt}, '[]',
      ${wakeAt})`
}

function* advance(
  inboxes: Inboxes,
  step: ScheduleStep,
  options: PutOptions,
): Steps<TreeChange<AdvanceOutcome>> {
  const { schedule, firing } = step
  if (!(yield* lockSchedule(schedule))) return { outcome: { status: "changed" }, arrivals: [] }
  const fired = firing === null ? null : yield* fire(inboxes, schedule, firing, options)
  return { outcome: yield* writeStep(step, fired?.outcome ?? null), arrivals: fired?.arrivals ?? [] }
}

/** Puts the message of a firing. */
function* fire(
  inboxes: Inboxes,
  schedule: Schedule,
  firing: Firing,
  options: PutOptions,
): Steps<TreeChange<FiringEffect>> {
  yield* createSession(createFiredSession(schedule, firing))
  if (!(yield* lockFiredSession(firing))) return { outcome: revokedEffect, arrivals: [] }
  const { outcome, arrivals } = yield* putInTree(inboxes, firing.message, options)
  return { outcome: decideFiringEffect(outcome), arrivals }
}

/**
 * Locks a schedule until the end of the transaction. Returns false if it was changed or removed after it was read.
 * The lock precedes that of any session.
 */
function* lockSchedule({ id, revision }: Schedule): Steps<boolean> {
  const current = yield sql`SELECT id FROM ${schema}schedule
    WHERE id = ${escapeText(id)} AND revision = ${revision} ${lockRows("FOR UPDATE")}`
  return current.length > 0
}

/** Returns false if the session of the firing is gone or revoked. Locks it until the end of the transaction. */
function* lockFiredSession({ message }: Firing): Steps<boolean> {
  const [session] = yield sql`SELECT revoked_at FROM ${schema}session
    WHERE id = ${message.sessionId} ${lockRows("FOR UPDATE")}`
  return session !== undefined && session.revoked_at === null
}

/** Writes a step of a locked schedule, whose firing, if it has one, had this effect. */
function* writeStep(step: ScheduleStep, effect: FiringEffect | null): Steps<AdvanceOutcome> {
  const { schedule, change, firing } = step
  const changed = { ...schedule, ...change, ...effect?.change }
  yield sql`UPDATE ${schema}schedule SET spec = ${JSON.stringify(changed.spec)}, session_id = ${changed.sessionId},
      created_at = ${changed.createdAt}, state = ${changed.state}, reason = ${changed.reason},
      next_at = ${changed.nextAt}, waiting = ${JSON.stringify(changed.waiting)}, wake_at = ${changed.wakeAt},
      last_run_id = ${effect?.runId ?? changed.lastRunId}, revision = revision + 1
    WHERE id = ${schedule.id}`
  const rows = yield sql`INSERT INTO ${schema}schedule_occurrence
      (schedule_id, at, decided_at, cause, outcome, reason, session_id, run_id)
    SELECT ${schedule.id}, at, ${now}, cause, outcome, reason, session_id, run_id
    FROM ${records(occurrenceTypes, toOccurrenceRows(step, effect))} AS decided
    RETURNING ${createText(occurrenceColumns)}`
  yield sql`DELETE FROM ${schema}schedule_occurrence WHERE schedule_id = ${schedule.id} AND number <= (
    SELECT number FROM ${schema}schedule_occurrence WHERE schedule_id = ${schedule.id}
    ORDER BY number DESC LIMIT 1 OFFSET ${maxKeptOccurrences})`
  const last = rows.at(-1)
  return { status: "advanced", fired: firing === null || last === undefined ? null : toOccurrence(last) }
}

const occurrenceTypes = {
  at: "bigint",
  cause: "text",
  outcome: "text",
  reason: "text",
  session_id: "text",
  run_id: "text",
} as const
