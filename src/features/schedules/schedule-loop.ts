import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { invalidSchedule, type Schedules } from "../../core/ports/store/schedules.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { Scheduler } from "./scheduler.ts"

export interface ScheduleLoopOptions {
  readonly agent: string
  readonly schedules: Schedules
  readonly scheduler: Scheduler
  readonly logger: Logger
  /** Ends the loop. */
  readonly signal: AbortSignal
}

/** Maximum number of schedules that one round reads. */
const perLook = 50
/** Maximum milliseconds until the loop notices schedules that others create or resume. */
const pollMs = 1_000
/** Minimum milliseconds between rounds, because another process may be working on the due schedule. */
const shortestPauseMs = 50
const failurePauseMs = 2_000

/** Fires the due schedules of an agent until the signal aborts. Never rejects. Failures are logged. */
export async function runScheduleLoop(options: ScheduleLoopOptions): Promise<void> {
  const { agent, schedules, logger, signal } = options
  let isFailing = false
  while (!signal.aborted) {
    try {
      const dueInMs = (await schedules.nextDue(agent)) ?? pollMs
      if (dueInMs <= 0) await fireDue(options)
      isFailing = false
      await sleep(Math.min(Math.max(dueInMs, shortestPauseMs), pollMs), signal)
    } catch (error) {
      if (signal.aborted) return
      if (!isFailing)
        logger.warn(
          { error, agent },
          "Due schedules could not be read from the store. The gateway tries again.",
        )
      isFailing = true
      await sleep(failurePauseMs, signal)
    }
  }
}

/** Takes one step of each schedule that is due. */
async function fireDue({ agent, schedules, scheduler, logger, signal }: ScheduleLoopOptions): Promise<void> {
  for (const schedule of await schedules.due({ agent, limit: perLook })) {
    if (signal.aborted) return
    const fields = { agent, schedule: schedule.name, scheduleId: schedule.id }
    try {
      const outcome = await scheduler.step(schedule)
      const fired = outcome.status === "changed" ? null : outcome.fired
      if (fired !== null && fired.outcome !== "started")
        logger.warn({ ...fields, reason: fired.reason }, "An occurrence of a schedule started no run.")
    } catch (error) {
      if (error instanceof GatewayError && error.code === invalidSchedule) {
        logger.error(
          { ...fields, error },
          "A stored schedule cannot be used, so it is paused. Change its terms, or remove it.",
        )
        await scheduler.disable(schedule)
        continue
      }
      logger.error({ ...fields, error }, "A schedule could not be fired. It is tried again in a minute.")
      await scheduler.postpone(schedule)
    }
  }
}
