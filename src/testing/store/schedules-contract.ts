import assert from "node:assert/strict"
import { randomIds } from "../../core/ids.ts"
import type { NewSchedule, Schedule, ScheduleStep, Schedules } from "../../core/ports/store/schedules.ts"
import type { WholeStore } from "../../core/ports/store/store.ts"
import { createAgentName, createMessage, type PartCase } from "../session-log/fixtures.ts"

const bounds = { perOwner: 100, perAgent: 1_000 }

function newSchedule(options: Partial<NewSchedule> = {}): NewSchedule {
  return {
    id: randomIds.next("sched"),
    agent: createAgentName(),
    tenant: "tenant",
    userId: "user\u0000\ud800",
    name: "daily",
    origin: "user",
    spec: {
      every: "1h",
      timezone: "UTC",
      message: "Look.\u0000\ud800",
      session: "fresh",
      overlap: "skip",
      catchUp: "one",
    },
    sessionId: null,
    createdAt: 1_000,
    nextAt: 2_000,
    wakeAt: 2_000,
    ...options,
  }
}

async function stored(schedules: Schedules, options: Partial<NewSchedule> = {}): Promise<Schedule> {
  const schedule = newSchedule(options)
  assert.equal(await schedules.create(schedule, bounds), "created")
  return found(schedules, schedule.id)
}

async function found(schedules: Schedules, id: string): Promise<Schedule> {
  const schedule = await schedules.find(id)
  assert.ok(schedule !== null)
  return schedule
}

/** The step that fires the schedule's next occurrence and plans the one an hour later. */
function firing(schedule: Schedule, options: { readonly sessionId?: string } = {}): ScheduleStep {
  const { sessionId = randomIds.next("sess") } = options
  const at = schedule.nextAt ?? 0
  const nextAt = at + 3_600_000
  const change = { nextAt, wakeAt: nextAt }
  return { schedule, change, skipped: [], firing: { at, cause: "time", message: createMessage(sessionId) } }
}

async function reasonOf({ schedules }: WholeStore, step: ScheduleStep): Promise<string | null> {
  const outcome = await schedules.advance(step)
  assert.ok(outcome.status === "advanced" && outcome.fired !== null)
  return outcome.fired.reason
}

export const scheduleCases: readonly PartCase[] = [
  {
    rule: null,
    name: "a schedule is read back unchanged, by its agent, owner and origin, until it is removed",
    async run({ open }) {
      const { schedules } = await open()
      const schedule = newSchedule()
      assert.equal(await schedules.create(schedule, bounds), "created")
      const { agent, tenant, userId } = schedule
      assert.deepEqual(await schedules.find(schedule.id), {
        ...schedule,
        state: "active",
        reason: null,
        waiting: [],
        lastRunId: null,
        isRunning: false,
        revision: 0,
      })
      const list = async (query: Partial<NewSchedule> & { readonly after?: string }) =>
        (await schedules.list({ limit: 10, agent, ...query })).map(({ id }) => id)
      assert.deepEqual(await list({ tenant, userId, origin: "user" }), [schedule.id])
      assert.deepEqual(await list({ tenant, userId: "other" }), [])
      assert.deepEqual(await list({ origin: "agent" }), [])
      assert.deepEqual(await list({ after: schedule.id }), [])
      assert.equal(await schedules.remove(schedule.id), true)
      assert.equal(await schedules.remove(schedule.id), false)
      assert.equal(await schedules.find(schedule.id), null)
    },
  },
  {
    rule: null,
    name: "a schedule whose times are not valid dates is listed as paused, and hides no other schedule",
    async run({ open }) {
      const { schedules, log } = await open()
      const later = (await log.now()) + 3_600_000
      const { agent } = await stored(schedules, { name: "good", nextAt: later, wakeAt: later })
      const bad = [8.64e16, 1e15 * 9, -8.64e16].map((time, index) =>
        newSchedule({ agent, name: `bad ${index}`, nextAt: time, wakeAt: time }),
      )
      for (const each of bad) assert.equal(await schedules.create(each, bounds), "created")
      const listed = await schedules.list({ agent, limit: 10 })
      const states = listed.map(({ name, state, reason, nextAt }) => [name, state, reason, nextAt])
      assert.deepEqual(states.toSorted(), [
        ...bad.map(({ name }) => [name, "paused", "invalid_schedule", null]),
        ["good", "active", null, later],
      ])
      assert.deepEqual((await found(schedules, bad[0]?.id ?? "")).spec, bad[0]?.spec)
      const dueInMs = await schedules.nextDue(agent)
      assert.ok(dueInMs !== null && dueInMs > 0 && dueInMs <= 3_600_000)
      // Only the one in the past is due, so that it can be disabled.
      const [due, ...others] = await schedules.due({ agent, limit: 10 })
      assert.deepEqual([due?.name, others], ["bad 2", []])
      assert.ok(due !== undefined)
      const change = { state: "paused", reason: "invalid_schedule", nextAt: null, wakeAt: null } as const
      await schedules.advance({ schedule: due, change, skipped: [], firing: null })
      assert.deepEqual(await schedules.due({ agent, limit: 10 }), [])
    },
  },
  {
    rule: null,
    name: "an owner has each name once for an agent and origin",
    async run({ open }) {
      const { schedules } = await open()
      const { agent } = await stored(schedules)
      const create = (options: Partial<NewSchedule>) =>
        schedules.create(newSchedule({ agent, ...options }), bounds)
      assert.equal(await create({}), "nameTaken")
      assert.equal(await create({ origin: "agent" }), "created")
      assert.equal(await create({ userId: "other" }), "created")
      assert.equal(await create({ name: "weekly" }), "created")
      assert.equal(await create({ agent: createAgentName() }), "created")
    },
  },
  {
    rule: null,
    name: "an owner and an agent have no more schedules than their bounds, and ended schedules make room",
    async run({ open }) {
      const { schedules } = await open()
      const agent = createAgentName()
      const create = (name: string, options: Partial<NewSchedule> = {}) =>
        schedules.create(newSchedule({ agent, name, ...options }), { perOwner: 2, perAgent: 3 })
      assert.equal(await create("a", { nextAt: null, wakeAt: null }), "created")
      assert.equal(await create("b"), "created")
      assert.equal(await create("c"), "created")
      assert.equal(await create("d"), "ownerHasTooMany")
      assert.equal(await create("d", { userId: "other" }), "created")
      assert.equal(await create("e", { userId: "third" }), "agentHasTooMany")
      const names = (await schedules.list({ agent, limit: 10 })).map(({ name }) => name)
      assert.deepEqual(names.sort(), ["b", "c", "d"])
    },
  },
  {
    rule: null,
    name: "schedules whose time has come are due, those that are due longest first",
    async run({ open }) {
      const { schedules, log } = await open()
      const agent = createAgentName()
      const now = await log.now()
      for (const [name, wakeAt] of [
        ["later", now + 3_600_000],
        ["second", now - 1_000],
        ["first", now - 5_000],
        ["never", null],
      ] as const)
        await stored(schedules, { agent, name, nextAt: wakeAt, wakeAt })
      const due = await schedules.due({ agent, limit: 10 })
      assert.deepEqual(
        due.map(({ name }) => name),
        ["first", "second"],
      )
      assert.equal((await schedules.due({ agent, limit: 1 })).length, 1)
      const dueInMs = await schedules.nextDue(agent)
      assert.ok(dueInMs !== null && dueInMs <= -5_000)
      assert.equal(await schedules.nextDue(createAgentName()), null)
    },
  },
  {
    rule: null,
    name: "an occurrence is fired once: its message, the schedule's next time and its history are stored together",
    async run({ open }) {
      const { schedules, log } = await open()
      const schedule = await stored(schedules)
      const step = firing(schedule)
      const outcome = await schedules.advance(step)
      assert.ok(outcome.status === "advanced" && outcome.fired !== null && step.firing !== null)
      const { sessionId, runId } = step.firing.message
      const { number, decidedAt, ...fired } = outcome.fired
      assert.deepEqual(fired, {
        at: 2_000,
        cause: "time",
        outcome: "started",
        reason: null,
        sessionId,
        runId,
      })
      assert.ok(number > 0 && decidedAt > 0)
      assert.deepEqual(await schedules.advance(step), { status: "changed" })
      const { tenant, userId, agent } = schedule
      const session = await log.session(sessionId)
      assert.deepEqual([session?.tenant, session?.userId, session?.agent], [tenant, userId, agent])
      assert.equal((await log.queuedRuns(sessionId)).length, 1)
      const after = await found(schedules, schedule.id)
      assert.deepEqual(
        [after.nextAt, after.wakeAt, after.lastRunId, after.isRunning, after.revision],
        [3_602_000, 3_602_000, runId, true, 1],
      )
      assert.deepEqual(await schedules.occurrences(schedule.id, 10), [outcome.fired])
    },
  },
  {
    rule: null,
    name: "a step without a message records the skipped occurrences, and ends a schedule",
    async run({ open }) {
      const { schedules } = await open()
      const schedule = await stored(schedules)
      const outcome = await schedules.advance({
        schedule,
        change: { nextAt: null, wakeAt: null, state: "ended", waiting: [] },
        skipped: [
          { at: 2_000, outcome: "missed", reason: "late" },
          { at: 3_000, outcome: "skipped", reason: "still_running" },
        ],
        firing: null,
      })
      assert.deepEqual(outcome, { status: "advanced", fired: null })
      const history = await schedules.occurrences(schedule.id, 10)
      assert.deepEqual(
        history.map(({ at, outcome, reason, runId }) => [at, outcome, reason, runId]),
        [
          [3_000, "skipped", "still_running", null],
          [2_000, "missed", "late", null],
        ],
      )
      assert.equal((await found(schedules, schedule.id)).state, "ended")
    },
  },
  {
    rule: null,
    name: "a message that its session does not accept leaves the occurrence skipped, and the schedule continues",
    async run({ open }) {
      const store = await open()
      const { schedules } = store
      const sessionId = randomIds.next("sess")
      const schedule = await stored(schedules, { sessionId })
      assert.equal(await reasonOf(store, firing(schedule, { sessionId })), null)
      const second = firing(await found(schedules, schedule.id), { sessionId })
      assert.equal(await reasonOf(store, second), "session_busy")
      const third = firing(await found(schedules, schedule.id))
      assert.ok(third.firing !== null)
      const full = {
        ...third,
        firing: { ...third.firing, limits: { sessionBytes: 0, principalIsFull: true } },
      }
      assert.equal(await reasonOf(store, full), "storage_full")
      const after = await found(schedules, schedule.id)
      assert.deepEqual([after.nextAt, after.state], [2_000 + 3 * 3_600_000, "active"])
      const outcomes = (await schedules.occurrences(schedule.id, 10)).map(({ outcome }) => outcome)
      assert.deepEqual(outcomes, ["skipped", "skipped", "started"])
    },
  },
  {
    rule: null,
    name: "a revoked session pauses its schedule",
    async run({ open }) {
      const store = await open()
      const { schedules, log } = store
      const sessionId = randomIds.next("sess")
      const schedule = await stored(schedules, { sessionId })
      const { tenant, userId, agent } = schedule
      await log.createSession({ id: sessionId, tenant, userId, agent, createdAt: 1_000 })
      await log.revokeSession(sessionId, 2_000)
      assert.equal(await reasonOf(store, firing(schedule, { sessionId })), "session_revoked")
      const { state, reason, nextAt, wakeAt } = await found(schedules, schedule.id)
      assert.deepEqual([state, reason, nextAt, wakeAt], ["paused", "session_revoked", null, null])
    },
  },
  {
    rule: null,
    name: "the history keeps the last hundred occurrences",
    async run({ open }) {
      const { schedules } = await open()
      const schedule = await stored(schedules)
      const skipped = Array.from(
        { length: 150 },
        (_, at) => ({ at, outcome: "missed", reason: "late" }) as const,
      )
      await schedules.advance({ schedule, change: {}, skipped, firing: null })
      const history = await schedules.occurrences(schedule.id, 1_000)
      assert.deepEqual(
        history.map(({ at }) => at),
        Array.from({ length: 100 }, (_, n) => 149 - n),
      )
    },
  },
]

export const sharedScheduleCases: readonly PartCase[] = [
  {
    rule: null,
    name: "two processes that fire the same occurrence concurrently fire it once",
    async run({ open }) {
      const [first, second] = [await open(), await open()]
      for (let round = 0; round < 20; round += 1) {
        const schedule = await stored(first.schedules)
        const outcomes = await Promise.all(
          [first, second, first, second].map(({ schedules }) => schedules.advance(firing(schedule))),
        )
        assert.equal(outcomes.filter(({ status }) => status === "advanced").length, 1)
        assert.equal((await second.schedules.occurrences(schedule.id, 10)).length, 1)
      }
    },
  },
  {
    rule: null,
    name: "an owner has no more schedules than the bound, even if many processes create them",
    async run({ open }) {
      const [first, second] = [await open(), await open()]
      const agent = createAgentName()
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 === 0 ? first : second).schedules.create(newSchedule({ agent, name: `n${n}` }), {
            perOwner: 5,
            perAgent: 100,
          }),
        ),
      )
      assert.equal(outcomes.filter((outcome) => outcome === "created").length, 5)
    },
  },
]
