/** Converts times into the local time of a time zone. */
export interface LocalTime {
  /** Returns milliseconds since midnight of the local time, from 0 up to a day. */
  timeOfDay(at: number): number
  /** Returns the local date, such as `2026-11-22`. */
  date(at: number): string
}

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export function createLocalTime(timezone: string): LocalTime {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  })
  const readFields = (at: number) =>
    new Map(format.formatToParts(at).map(({ type, value }) => [type, value] as const))
  return {
    timeOfDay(at) {
      const parts = readFields(at)
      const [hours, minutes, seconds] = ["hour", "minute", "second"].map((type) =>
        Number(parts.get(type as Intl.DateTimeFormatPartTypes)),
      )
      const whole = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)
      return whole * 1_000 + (((at % 1_000) + 1_000) % 1_000)
    },
    date(at) {
      const parts = readFields(at)
      return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`
    },
  }
}
