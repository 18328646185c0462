import { dayMs, hourMs, type LocalTime } from "./local-time.ts"

export interface ActiveHours {
  /** Returns true if the time is in `[start, end)` of the local day, which may cross midnight. */
  contains(at: number): boolean
  /** Returns the first time from `at` on that is in the active hours, to the minute. */
  opening(at: number): number
}

const minuteMs = 60_000

export const always: ActiveHours = { contains: () => true, opening: (at) => at }

export function createActiveHours([start, end]: readonly [number, number], local: LocalTime): ActiveHours {
  const [startMs, endMs] = [start * hourMs, end * hourMs]
  const contains = (at: number) => {
    const time = local.timeOfDay(at)
    return startMs < endMs ? time >= startMs && time < endMs : time >= startMs || time < endMs
  }
  return {
    contains,
    opening(at) {
      if (contains(at)) return at
      const distance = (((startMs - local.timeOfDay(at)) % dayMs) + dayMs) % dayMs
      if (local.timeOfDay(at + distance) === startMs) return at + distance
      // The clock is changed before then: the hours may start earlier or later, or twice.
      let minute = Math.ceil(at / minuteMs) * minuteMs
      while (!contains(minute)) minute += minuteMs
      return minute
    },
  }
}
