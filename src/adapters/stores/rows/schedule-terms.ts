import { isJsonObject } from "../../../core/json/json.ts"
import { invalidSchedule, maxDateMs, type Schedule } from "../../../core/ports/store/schedules.ts"
import type { ScheduleSpec } from "../../../core/schedule.ts"
import { type Row, readNullableText, readText } from "./columns.ts"

type Times = Pick<Schedule, "createdAt" | "nextAt" | "waiting" | "wakeAt">

/** The columns that decide when a schedule fires, and what it sends. */
type StoredTerms = Times & Pick<Schedule, "spec" | "state" | "reason">

/** Stands for a stored `spec` that cannot be read. It has no occurrence. */
const unreadableSpec: ScheduleSpec = {
  timezone: "UTC",
  message: "",
  session: "fresh",
  overlap: "skip",
  catchUp: "none",
}

/** Returns the terms of a row. If one of them cannot be used, the schedule is paused for that reason. */
export function readTerms(row: Row): StoredTerms {
  const spec = readSpec(row)
  const times = readTimes(row)
  if (spec === null || times === null) {
    const noTimes = { createdAt: times?.createdAt ?? 0, nextAt: null, waiting: [], wakeAt: null }
    return { spec: spec ?? unreadableSpec, ...noTimes, state: "paused", reason: invalidSchedule }
  }
  const state = readText(row, "state") as Schedule["state"]
  return { spec, ...times, state, reason: readNullableText(row, "reason") }
}

/** Returns null if a part is missing without which the schedule cannot be shown. */
function readSpec(row: Row): ScheduleSpec | null {
  const spec = parse(readText(row, "spec"))
  if (!isJsonObject(spec)) return null
  const { message, at = 0, limits = {} } = spec
  const isUsable = typeof message === "string" && isTime(at) && isJsonObject(limits)
  return isUsable ? (spec as object as ScheduleSpec) : null
}

/** Returns null if one of the times is not a valid date. */
function readTimes(row: Row): Times | null {
  const [createdAt, nextAt, wakeAt] = ["created_at", "next_at", "wake_at"].map((column) =>
    row[column] === null ? null : Number(row[column]),
  )
  const waiting = parse(readText(row, "waiting"))
  const isUsable =
    isTime(createdAt) &&
    (nextAt === null || isTime(nextAt)) &&
    (wakeAt === null || isTime(wakeAt)) &&
    Array.isArray(waiting) &&
    waiting.every(isTime)
  return isUsable ? { createdAt, nextAt, wakeAt, waiting } : null
}

function isTime(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= maxDateMs
}

/** Returns undefined for a text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
