import { z } from "zod"
import { toError } from "../../core/errors.ts"
import type { ScheduleSpec, ScheduleTerms } from "../../core/schedule.ts"
import { isTimezone } from "../../platform/cron/cron.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { describeIssues } from "../../platform/options/describe-issues.ts"
import { turnLimit } from "../../platform/options/turn-limit.ts"
import { createTimetable, findShortestInterval } from "./timetable.ts"

export const scheduleNamePattern = /^[\w.-]{1,64}$/
const maxMessageCharacters = 16_384

const shape = declareOptions<ScheduleTerms>()({
  ...turnLimit,
  cron: z.string().max(200).optional(),
  every: z.string().max(20).optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  timezone: z
    .string()
    .max(100)
    .refine(isTimezone, "expected an IANA time zone such as Europe/Berlin")
    .default("UTC"),
  message: z.string().min(1).max(maxMessageCharacters),
  session: z.enum(["fresh", "continue"]).default("fresh"),
  overlap: z.enum(["skip", "queue"]).optional(),
  catchUp: z.enum(["one", "all", "none"]).default("one"),
  maxBudgetUsd: z.number().positive().optional(),
})

const terms = z
  .strictObject(shape)
  .refine(({ cron, every, at }) => [cron, every, at].filter((time) => time !== undefined).length === 1, {
    message: "expected exactly one of cron, every and at",
  })

/** The terms in their stored form, or their mistake as a text that is safe to show to their author. */
export type ParsedSpec = { readonly spec: ScheduleSpec } | { readonly problem: string }

/** Parses terms. `minIntervalMs` bounds the time between two occurrences. Default: a second. */
export function parseSpec(
  value: unknown,
  { minIntervalMs = 1_000, now = 0 }: { readonly minIntervalMs?: number; readonly now?: number } = {},
): ParsedSpec {
  const { data, error } = terms.safeParse(value)
  if (error !== undefined) return { problem: describeIssues(error, terms) }
  const { cron, every, at, timezone, message, session, catchUp, maxTurns, maxBudgetUsd } = data
  const spec: ScheduleSpec = {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every }),
    ...(at !== undefined && { at: Date.parse(at) }),
    timezone,
    message,
    session,
    overlap: data.overlap ?? (at === undefined ? "skip" : "queue"),
    catchUp,
    ...((maxTurns !== undefined || maxBudgetUsd !== undefined) && {
      limits: {
        ...(maxTurns !== undefined && { maxTurns }),
        ...(maxBudgetUsd !== undefined && { maxBudgetUsd }),
      },
    }),
  }
  const problem = findProblem(spec, minIntervalMs, now)
  return problem === null ? { spec } : { problem }
}

function findProblem(spec: ScheduleSpec, minIntervalMs: number, now: number): string | null {
  try {
    const timetable = createTimetable(spec, now)
    const first = timetable.after(now)
    if (first === null) return spec.cron === undefined ? null : "cron: the expression has no next occurrence"
    const shortest = findShortestInterval(timetable, first)
    if (shortest !== null && shortest < minIntervalMs)
      return `two occurrences are only ${shortest / 1_000} s apart; at least ${minIntervalMs / 1_000} s are needed`
    return null
  } catch (error) {
    return `${spec.cron === undefined ? "every" : "cron"}: ${toError(error).message}`
  }
}
