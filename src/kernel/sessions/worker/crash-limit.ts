import type { RunState } from "../../agent/run-state.ts"

/** Maximum number of consecutive processes that may die during a run without progress. */
export const maxTakeovers = 5
/** Maximum number of crashes of one run in total, because a model may repeat a call that kills its process. */
const defaultMaxCrashes = 20

/** Returns true if so many processes died during this run that it must end (rule 10, recovery). */
export function exceedsCrashLimit(
  run: Pick<RunState, "crashes" | "started"> | null,
  takeovers: number,
): boolean {
  const maxCrashes = run?.started.limits?.maxCrashes ?? defaultMaxCrashes
  return takeovers > maxTakeovers || (run?.crashes.size ?? 0) > maxCrashes
}
