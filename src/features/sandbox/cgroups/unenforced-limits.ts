import type { UnheldLimit } from "../backend.ts"
import type { Cgroups } from "./cgroups.ts"
import { readIfThere } from "./files.ts"

/** Returns the limits that only control groups could enforce but do not, or that they enforce only partly. */
export function findUnenforcedLimits(
  cgroups: Cgroups | string,
  onlyByGroups: readonly UnheldLimit["limit"][],
): readonly UnheldLimit[] {
  if (typeof cgroups !== "string") return cgroups.unheld
  return onlyByGroups.map((limit) => ({
    limit,
    reason: "control groups are not permitted, so a limit is that of each process",
  }))
}

/** Returns the gap of a memory limit that does not include swapped memory. */
export async function findUnenforcedSwap(isCounted: boolean): Promise<readonly UnheldLimit[]> {
  if (isCounted || !(await hasSwap())) return []
  return [{ limit: "memory", reason: "control groups do not count swap here, and the machine has some" }]
}

async function hasSwap(): Promise<boolean> {
  // The file has a line of headings and one line for each swap area.
  return (await readIfThere("/proc/swaps")).trim().split("\n").length > 1
}
