import type { UnheldLimit } from "../backend.ts"
import type { Cgroups } from "./cgroups.ts"
import { readIfThere } from "./files.ts"

/** Returns what control groups would limit and nothing else does, or what they fall short of. */
export function unheldBy(
  cgroups: Cgroups | string,
  onlyByGroups: readonly UnheldLimit["limit"][],
): readonly UnheldLimit[] {
  if (typeof cgroups !== "string") return cgroups.unheld
  return onlyByGroups.map((limit) => ({
    limit,
    reason: "control groups are not permitted, so a limit is that of each process",
  }))
}

/** For a limit of memory that leaves out what is swapped. */
export async function unheldSwap(isCounted: boolean): Promise<readonly UnheldLimit[]> {
  if (isCounted || !(await hasSwap())) return []
  return [{ limit: "memory", reason: "control groups do not count swap here, and the machine has some" }]
}

async function hasSwap(): Promise<boolean> {
  // A line for each, after one of headings.
  return (await readIfThere("/proc/swaps")).trim().split("\n").length > 1
}
