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
import type { Clock } from "../../../core/time/clock.ts"
import { escapeText, readInteger } from "../rows/columns.ts"
import { type LargeContents, makeLargeContents } from "../rows/large/large-contents.ts"
import {
  computeChangedColumns,
  createFiredSession,
  occurrenceColumns,
  scheduleColumns,
  toOccurrence,
  toOccurrenceRows,
  toSchedule,
  toScheduleValues,
} from "../rows/schedule-rows.ts"
import { decideFiringEffect, type FiringEffect, revokedEffect } from "../rules/firing-effects.ts"
import type { Versions } from "../rules/versions.ts"
import type { WatchHub } from "../watch-hub.ts"
import type { Database } from "./database/database.ts"
import { createSession } from "./session-log/session-log.ts"
import { putInTree } from "./tree.ts"

export interface SchedulesParts {
  readonly clock: Clock
  readonly versions: Versions
  readonly hub: WatchHub
}

const selected = `SELECT ${scheduleColumns}, coalesce(run.state IN ('queued', 'open'), 0) AS is_running
  FROM schedule LEFT JOIN run ON run.id = schedule.last_run_id`

export function createSchedules(database: Database, { clock, versions, hub }: SchedulesParts): Schedules {
  return {
    create: (schedule, bounds) => database.write(() => create(database, schedule, bounds)),
    async find(scheduleId) {
      const row = await database.read(() =>
        database.get(`${selected} WHERE schedule.id = ?`, escapeText(scheduleId)),
      )
      return row === undefined ? null : toSchedule(row)
    },
    async list({ agent, tenant, userId, origin, after = "", limit }) {
      const filters = [agent, tenant, userId, origin].flatMap((value) => {
        const stored = value === undefined ? null : escapeText(value)
        return [stored, stored]
      })
      const rows = await database.read(() =>
        database.all(
          `${selected} WHERE schedule.id > ? AND (? IS NULL OR schedule.agent = ?)
           AND (? IS NULL OR schedule.tenant = ?) AND (? IS NULL OR schedule.user_id = ?)
           AND (? IS NULL OR schedule.origin = ?)
           ORDER BY schedule.id LIMIT ?`,
          escapeText(after),
          ...filters,
          limit,
        ),
      )
      return rows.map(toSchedule)
    },
    async due({ agent, limit }) {
      const rows = await database.read(() =>
        database.all(
          `${selected} WHERE schedule.agent = ? AND schedule.wake_at <= ?
           ORDER BY schedule.wake_at, schedule.id LIMIT ?`,
          escapeText(agent),
          clock.now(),
          limit,
        ),
      )
      return rows.map(toSchedule)
    },
    async nextDue(agent) {
      const sql = `SELECT min(wake_at) AS wake_at FROM schedule WHERE agent = ? AND wake_at BETWEEN 0 AND ${maxDateMs}`
      const row = await database.read(() => database.get(sql, escapeText(agent)))
      return row === undefined || row.wake_at === null ? null : readInteger(row, "wake_at") - clock.now()
    },
    async advance(step) {
      const texts = step.firing === null ? undefined : await makeLargeContents(step.firing.message)
      const arrivals: string[] = []
      const outcome = await database.write(() => {
        arrivals.length = 0
        return advance(database, step, { versions, texts, now: clock.now(), arrivals })
      })
      for (const arrival of arrivals) hub.arrived(arrival)
      return outcome
    },
    remove: (scheduleId) =>
      database.write(() => {
        database.run("DELETE FROM schedule_occurrence WHERE schedule_id = ?", escapeText(scheduleId))
        return database.run("DELETE FROM schedule WHERE id = ?", escapeText(scheduleId)) > 0
      }),
    async occurrences(scheduleId, limit) {
      const sql = `SELECT ${occurrenceColumns} FROM schedule_occurrence WHERE schedule_id = ?
        ORDER BY number DESC LIMIT ?`
      const rows = await database.read(() => database.all(sql, escapeText(scheduleId), limit))
      return rows.map(toOccurrence)
    },
  }
}

/** Creates a schedule. Must be called inside a transaction. */
function create(
  database: Database,
  schedule: NewSchedule,
  { perOwner, perAgent }: ScheduleBounds,
): CreateOutcome {
  const [agent, tenant, userId, name] = [schedule.agent, schedule.tenant, schedule.userId, schedule.name].map(
    escapeText,
  ) as [string, string, string, string]
  const owned = "agent = ? AND tenant = ? AND user_id = ?"
  const taken = `SELECT 1 FROM schedule WHERE ${owned} AND origin = ? AND name = ?`
  if (database.get(taken, agent, tenant, userId, schedule.origin, name) !== undefined) return "nameTaken"
  const makeRoom = (condition: string, values: readonly string[], bound: number): boolean => {
    const count = () =>
      readInteger(
        database.get(`SELECT count(*) AS count FROM schedule WHERE ${condition}`, ...values) ?? {},
        "count",
      )
    const excess = count() - bound + 1
    if (excess <= 0) return true
    const ended = database.all(
      `SELECT id FROM schedule WHERE ${condition} AND state = 'ended' ORDER BY created_at, id LIMIT ?`,
      ...values,
      excess,
    )
    for (const { id } of ended) {
      database.run("DELETE FROM schedule_occurrence WHERE schedule_id = ?", String(id))
      database.run("DELETE FROM schedule WHERE id = ?", String(id))
    }
    return ended.length >= excess
  }
  if (!makeRoom(owned, [agent, tenant, userId], perOwner)) return "ownerHasTooMany"
  if (!makeRoom("agent = ?", [agent], perAgent)) return "agentHasTooMany"
  database.run(
    `INSERT INTO schedule (id, agent, tenant, user_id, name, origin, spec, session_id, created_at, state, reason,
       next_at, waiting, wake_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...toScheduleValues(schedule),
  )
  return "created"
}

interface Advancing {
  readonly versions: Versions
  readonly texts: LargeContents | undefined
  readonly now: number
  /** Receives the sessions that a process may have to check. */
  readonly arrivals: string[]
}

/** Writes a step. Must be called inside a transaction. */
function advance(database: Database, step: ScheduleStep, advancing: Advancing): AdvanceOutcome {
  const { schedule, firing } = step
  const isCurrent = database.get(
    "SELECT 1 FROM schedule WHERE id = ? AND revision = ?",
    escapeText(schedule.id),
    schedule.revision,
  )
  if (isCurrent === undefined) return { status: "changed" }
  const effect = firing === null ? null : fire(database, schedule, firing, advancing)
  const { spec, session_id, created_at, state, reason, next_at, waiting, wake_at, last_run_id } =
    computeChangedColumns(step, effect)
  database.run(
    `UPDATE schedule SET spec = ?, session_id = ?, created_at = ?, state = ?, reason = ?, next_at = ?, waiting = ?,
       wake_at = ?, last_run_id = ?, revision = revision + 1 WHERE id = ?`,
    spec,
    session_id,
    created_at,
    state,
    reason,
    next_at,
    waiting,
    wake_at,
    last_run_id,
    schedule.id,
  )
  const rows = toOccurrenceRows(step, effect).map((row) =>
    database.get(
      `INSERT INTO schedule_occurrence (schedule_id, at, decided_at, cause, outcome, reason, session_id, run_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${occurrenceColumns}`,
      schedule.id,
      row.at,
      advancing.now,
      row.cause,
      row.outcome,
      row.reason,
      row.session_id,
      row.run_id,
    ),
  )
  database.run(
    `DELETE FROM schedule_occurrence WHERE schedule_id = ? AND number <= (
       SELECT number FROM schedule_occurrence WHERE schedule_id = ? ORDER BY number DESC LIMIT 1 OFFSET ?)`,
    schedule.id,
    schedule.id,
    maxKeptOccurrences,
  )
  const last = rows.at(-1)
  return { status: "advanced", fired: firing === null || last === undefined ? null : toOccurrence(last) }
}

/** Puts the message of a firing. Must be called inside a transaction. */
function fire(
  database: Database,
  schedule: Schedule,
  firing: Firing,
  { versions, texts, now, arrivals }: Advancing,
): FiringEffect {
  const { message, limits } = firing
  createSession(database, createFiredSession(schedule, firing))
  const session = database.get("SELECT revoked_at FROM session WHERE id = ?", message.sessionId)
  if (session === undefined || session.revoked_at !== null) return revokedEffect
  const put = putInTree(database, message, { versions, limits, now, ...(texts !== undefined && { texts }) })
  arrivals.push(...put.arrivals)
  return decideFiringEffect(put.outcome)
}
