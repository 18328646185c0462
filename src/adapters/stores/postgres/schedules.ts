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
import type { Database, Query } from "./database/database.ts"
import { nowMs } from "./schema.ts"
import { createSession } from "./session-log/session-log.ts"
import { putInTree } from "./tree.ts"

export interface SchedulesParts {
  readonly versions: Versions
  readonly onArrival: (sessionId: string) => void
}

const selected = `SELECT ${scheduleColumns}, coalesce(run.state IN ('queued', 'open'), false) AS is_running
  FROM agent_gateway.schedule LEFT JOIN agent_gateway.run ON run.id = schedule.last_run_id`

export function createSchedules(database: Database, { versions, onArrival }: SchedulesParts): Schedules {
  const { query } = database
  return {
    create: (schedule, bounds) => database.transaction((query) => create(query, schedule, bounds)),
    async find(scheduleId) {
      const [row] = await query(`${selected} WHERE schedule.id = $1`, [escapeText(scheduleId)])
      return row === undefined ? null : toSchedule(row)
    },
    async list({ agent, tenant, userId, origin, after = "", limit }) {
      const filters = [agent, tenant, userId, origin].map((value) =>
        value === undefined ? null : escapeText(value),
      )
      const rows = await query(
        `${selected} WHERE schedule.id > $1 AND ($2::text IS NULL OR schedule.agent = $2)
         AND ($3::text IS NULL OR schedule.tenant = $3) AND ($4::text IS NULL OR schedule.user_id = $4)
         AND ($5::text IS NULL OR schedule.origin = $5)
         ORDER BY schedule.id LIMIT $6`,
        [escapeText(after), ...filters, limit],
      )
      return rows.map(toSchedule)
    },
    async due({ agent, limit }) {
      const sql = `${selected} WHERE schedule.agent = $1 AND schedule.wake_at <= ${nowMs}
        ORDER BY schedule.wake_at, schedule.id LIMIT $2`
      return (await query(sql, [escapeText(agent), limit])).map(toSchedule)
    },
    async nextDue(agent) {
      const [row] = await query(
        `SELECT min(wake_at) - ${nowMs} AS due_in FROM agent_gateway.schedule
         WHERE agent = $1 AND wake_at BETWEEN 0 AND ${maxDateMs}`,
        [escapeText(agent)],
      )
      return row === undefined || row.due_in === null ? null : readInteger(row, "due_in")
    },
    async advance(step) {
      const texts = step.firing === null ? undefined : await makeLargeContents(step.firing.message)
      const { outcome, isDue } = await database.transaction((query) =>
        advance(query, step, { versions, texts }),
      )
      if (isDue && step.firing !== null) onArrival(step.firing.message.sessionId)
      return outcome
    },
    remove: (scheduleId) =>
      database.transaction(async (query) => {
        const sql = "DELETE FROM agent_gateway.schedule WHERE id = $1 RETURNING id"
        const removed = await query(sql, [escapeText(scheduleId)])
        await query("DELETE FROM agent_gateway.schedule_occurrence WHERE schedule_id = $1", [
          escapeText(scheduleId),
        ])
        return removed.length > 0
      }),
    async occurrences(scheduleId, limit) {
      const sql = `SELECT ${occurrenceColumns} FROM agent_gateway.schedule_occurrence WHERE schedule_id = $1
        ORDER BY number DESC LIMIT $2`
      return (await query(sql, [escapeText(scheduleId), limit])).map(toOccurrence)
    },
  }
}

/** An arbitrary number, the same in all versions. With the agent's name it is the lock for counting its schedules. */
const countLock = 1_977_003

/** Creates a schedule. Must be called inside a transaction. */
async function create(
  query: Query,
  schedule: NewSchedule,
  { perOwner, perAgent }: ScheduleBounds,
): Promise<CreateOutcome> {
  const { agent, tenant, userId, name } = schedule
  const owner = [agent, tenant, userId].map(escapeText)
  // Without the lock, two concurrent creations would each count without the other.
  await query("SELECT pg_advisory_xact_lock($1, hashtext($2))", [countLock, escapeText(agent)])
  const owned = "agent = $1 AND tenant = $2 AND user_id = $3"
  const [taken] = await query(
    `SELECT FROM agent_gateway.schedule WHERE ${owned} AND origin = $4 AND name = $5`,
    [...owner, schedule.origin, escapeText(name)],
  )
  if (taken !== undefined) return "nameTaken"
  const makeRoom = async (condition: string, values: readonly string[], bound: number): Promise<boolean> => {
    const [row] = await query(
      `SELECT count(*) AS count FROM agent_gateway.schedule WHERE ${condition}`,
      values,
    )
    const excess = readInteger(row ?? {}, "count") - bound + 1
    if (excess <= 0) return true
    const ended = await query(
      `WITH ended AS (
         DELETE FROM agent_gateway.schedule WHERE id IN (
           SELECT id FROM agent_gateway.schedule WHERE ${condition} AND state = 'ended'
           ORDER BY created_at, id LIMIT ${excess})
         RETURNING id
       ),
       history AS (
         DELETE FROM agent_gateway.schedule_occurrence WHERE schedule_id IN (SELECT id FROM ended)
       )
       SELECT id FROM ended`,
      values,
    )
    return ended.length >= excess
  }
  if (!(await makeRoom(owned, owner, perOwner))) return "ownerHasTooMany"
  if (!(await makeRoom("agent = $1", owner.slice(0, 1), perAgent))) return "agentHasTooMany"
  await query(
    `INSERT INTO agent_gateway.schedule (id, agent, tenant, user_id, name, origin, spec, session_id, created_at, state,
       reason, next_at, waiting, wake_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    toScheduleValues(schedule),
  )
  return "created"
}

interface Advancing {
  readonly versions: Versions
  readonly texts: LargeContents | undefined
}

interface Advanced {
  readonly outcome: AdvanceOutcome
  /** If true, the message gave its session due work. */
  readonly isDue: boolean
}

/**
 * Writes a step. Must be called inside a transaction. The lock of the schedule's row precedes the lock of any
 * session.
 */
async function advance(query: Query, step: ScheduleStep, advancing: Advancing): Promise<Advanced> {
  const { schedule, firing } = step
  const [current] = await query(
    "SELECT FROM agent_gateway.schedule WHERE id = $1 AND revision = $2 FOR UPDATE",
    [escapeText(schedule.id), schedule.revision],
  )
  if (current === undefined) return { outcome: { status: "changed" }, isDue: false }
  const fired = firing === null ? null : await fire(query, schedule, firing, advancing)
  const effect = fired?.effect ?? null
  const changed = computeChangedColumns(step, effect)
  await query(
    `UPDATE agent_gateway.schedule SET spec = $2, session_id = $3, created_at = $4, state = $5, reason = $6,
       next_at = $7, waiting = $8, wake_at = $9, last_run_id = $10, revision = revision + 1 WHERE id = $1`,
    [
      schedule.id,
      changed.spec,
      changed.session_id,
      changed.created_at,
      changed.state,
      changed.reason,
      changed.next_at,
      changed.waiting,
      changed.wake_at,
      changed.last_run_id,
    ],
  )
  const rows = await query(
    `INSERT INTO agent_gateway.schedule_occurrence
       (schedule_id, at, decided_at, cause, outcome, reason, session_id, run_id)
     SELECT $1, at, ${nowMs}, cause, outcome, reason, session_id, run_id FROM json_to_recordset($2)
       AS each(at bigint, cause text, outcome text, reason text, session_id text, run_id text)
     RETURNING ${occurrenceColumns}`,
    [schedule.id, JSON.stringify(toOccurrenceRows(step, effect))],
  )
  await query(
    `DELETE FROM agent_gateway.schedule_occurrence WHERE schedule_id = $1 AND number <= (
       SELECT number FROM agent_gateway.schedule_occurrence WHERE schedule_id = $1
       ORDER BY number DESC LIMIT 1 OFFSET $2)`,
    [schedule.id, maxKeptOccurrences],
  )
  const last = rows.at(-1)
  return {
    outcome: { status: "advanced", fired: fired === null || last === undefined ? null : toOccurrence(last) },
    isDue: fired?.isDue ?? false,
  }
}

/** Puts the message of a firing. Must be called inside a transaction. */
async function fire(
  query: Query,
  schedule: Schedule,
  firing: Firing,
  { versions, texts }: Advancing,
): Promise<{ readonly effect: FiringEffect; readonly isDue: boolean }> {
  const { message, limits } = firing
  await createSession(query, createFiredSession(schedule, firing))
  const [session] = await query("SELECT revoked_at FROM agent_gateway.session WHERE id = $1 FOR UPDATE", [
    message.sessionId,
  ])
  if (session === undefined || session.revoked_at !== null) return { effect: revokedEffect, isDue: false }
  const { outcome, isDue } = await putInTree(query, message, {
    versions,
    limits,
    ...(texts !== undefined && { texts }),
  })
  return { effect: decideFiringEffect(outcome), isDue }
}
