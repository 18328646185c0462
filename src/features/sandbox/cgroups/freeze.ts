import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { readIfThere, writeIfThere } from "./files.ts"

const pollMs = 5
const maxPolls = 1_000

/** Freezes all processes of a control group. Resolves when none of them runs, and if the group is gone. */
export async function freezeGroup(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await writeIfThere(folder, "cgroup.freeze", "1")
    await writeIfThere(folder, "freezer.state", "FROZEN")
  }
  for (let poll = 0; poll < maxPolls; poll += 1) {
    const states = await Promise.all(
      folders.flatMap((folder) =>
        ["cgroup.events", "freezer.state"].map((file) => readIfThere(join(folder, file))),
      ),
    )
    if (!states.some((state) => /^frozen 0$|^FREEZING$|^THAWED$/m.test(state))) return
    await delay(pollMs)
  }
  throw new Error("The control group cannot be frozen.")
}

export async function thawGroup(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await writeIfThere(folder, "cgroup.freeze", "0")
    await writeIfThere(folder, "freezer.state", "THAWED")
  }
}
