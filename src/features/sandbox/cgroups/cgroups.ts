import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { hasCode, toError } from "../../../core/errors.ts"
import type { UnheldLimit } from "../backend.ts"
import type { Instance } from "../instances.ts"
import { megabyte, type SandboxLimits } from "../limits.ts"
import { readIfThere, writeIfThere } from "./files.ts"
import { freezeGroup, thawGroup } from "./freeze.ts"
import { controllers, findHierarchies, type Hierarchy } from "./hierarchy.ts"
import { findUnenforcedSwap } from "./unenforced-limits.ts"

/**
 * Control groups for executions. They bound memory, processes and processor time of all processes of an execution
 * together.
 */
export interface Cgroups {
  readonly version: 1 | 2
  /** Limits that they cannot enforce on this machine. */
  readonly unheld: readonly UnheldLimit[]
  create(): Promise<Cgroup>
  /** Ends and removes groups of dead instances. */
  reap(): Promise<void>
}

export interface Cgroup {
  /** Folders of the group. A process joins it by writing its id into `cgroup.procs` in each of them. */
  readonly folders: readonly string[]
  outOfMemory(): Promise<boolean>
  /** Resolves to true if the limit of memory includes swapped memory. */
  countsSwap(): Promise<boolean>
  /** Null if groups cannot be frozen. */
  readonly freezer: { freeze(): Promise<void>; thaw(): Promise<void> } | null
  /** Kills all processes in the group, even frozen ones. */
  kill(): Promise<void>
  /** Kills all processes in the group, and removes the group. */
  end(): Promise<void>
}

/** Operations of the kernel that no folder of files can replace in a test. */
export interface Kernel {
  /** Reads a file of `/proc/self`. */
  proc(name: string): Promise<string>
  /** Removes a group with all its files. Throws EBUSY if the group has processes. */
  removeGroup(folder: string): Promise<void>
}

const linux: Kernel = {
  proc: (name) => readIfThere(join("/proc/self", name)),
  removeGroup: (path) => rmdir(path),
}

const cpuPeriodMicroseconds = 100_000

/**
 * Opens control groups. Creates one to find out if that is permitted. Returns the reason as a string if it is not.
 */
export async function openCgroups(
  limits: SandboxLimits,
  instance: Instance,
  kernel = linux,
): Promise<Cgroups | string> {
  let problem = "there are no control groups here"
  const [mountinfo, cgroup] = await Promise.all([kernel.proc("mountinfo"), kernel.proc("cgroup")])
  for (const hierarchy of await findHierarchies({ mountinfo, cgroup })) {
    const cgroups = createCgroups(hierarchy, limits, instance, kernel)
    try {
      await delegate(hierarchy)
      const trial = await cgroups.create()
      const unheld = await findUnenforcedSwap(await trial.countsSwap())
      await trial.end()
      return { ...cgroups, unheld }
    } catch (error) {
      problem = toError(error).message
    }
  }
  return problem
}

function createCgroups(
  { version, parents, freezer }: Hierarchy,
  limits: SandboxLimits,
  instance: Instance,
  kernel: Kernel,
): Omit<Cgroups, "unheld"> {
  const prefix = `agent-gateway-${instance.directoryId}`
  let count = 0
  return {
    version,
    async create() {
      count += 1
      const name = `${prefix}.${instance.id}.${count}`
      const limited = [...new Set(controllers.map((controller) => join(parents[controller], name)))]
      const freezing = freezer === null ? null : await makeIfPermitted(join(freezer, name))
      const folders = freezing === null ? limited : [...limited, freezing]
      const group = createCgroup(folders, version, kernel)
      try {
        for (const folder of limited) await mkdir(folder)
        const findFolder = (controller: (typeof controllers)[number]) => join(parents[controller], name)
        await (version === 1 ? limitV1 : limitV2)(findFolder, limits)
      } catch (error) {
        await group.end()
        throw error
      }
      return group
    },
    async reap() {
      const all = new Set([...Object.values(parents), ...(freezer === null ? [] : [freezer])])
      const left = new Map<string, string[]>()
      for (const parent of all) {
        for (const name of await readdir(parent)) {
          const [start, owner] = name.split(".")
          if (start !== prefix || owner === undefined || instance.isLive(owner)) continue
          left.set(name, [...(left.get(name) ?? []), join(parent, name)])
        }
      }
      // These are removed together, because a group that one of them has frozen cannot be removed from the others.
      for (const folders of left.values()) await createCgroup(folders, version, kernel).end()
    },
  }
}

type FolderOf = (controller: (typeof controllers)[number]) => string

async function limitV1(folderOf: FolderOf, { memoryMb, pids, cpus }: SandboxLimits): Promise<void> {
  const bytes = String(memoryMb * megabyte)
  await write(folderOf("memory"), "memory.limit_in_bytes", bytes)
  await writeIfThere(folderOf("memory"), "memory.memsw.limit_in_bytes", bytes)
  // This memory is not part of the limit above. Kernels since 5.16 include it, and ignore this file.
  await writeIfThere(folderOf("memory"), "memory.kmem.limit_in_bytes", bytes)
  await writeIfThere(folderOf("memory"), "memory.kmem.tcp.limit_in_bytes", bytes)
  await write(folderOf("pids"), "pids.max", String(pids))
  await write(folderOf("cpu"), "cpu.cfs_period_us", String(cpuPeriodMicroseconds))
  await write(folderOf("cpu"), "cpu.cfs_quota_us", String(Math.round(cpus * cpuPeriodMicroseconds)))
}

async function limitV2(folderOf: FolderOf, { memoryMb, pids, cpus }: SandboxLimits): Promise<void> {
  const folder = folderOf("memory")
  await write(folder, "memory.max", String(memoryMb * megabyte))
  await writeIfThere(folder, "memory.swap.max", "0")
  await write(folder, "pids.max", String(pids))
  await write(folder, "cpu.max", `${Math.round(cpus * cpuPeriodMicroseconds)} ${cpuPeriodMicroseconds}`)
}

/** Creates a group. Null if this process is not permitted to. Processes are then stopped one by one. */
async function makeIfPermitted(folder: string): Promise<string | null> {
  return mkdir(folder).then(
    () => folder,
    () => null,
  )
}

/** Delegates controllers. On version 2 a group passes them on only if it is told to. */
async function delegate({ version, parents }: Hierarchy): Promise<void> {
  if (version === 1) return
  const enabled = await readFile(join(parents.memory, "cgroup.subtree_control"), "utf8")
  const missing = controllers.filter((controller) => !enabled.split(/\s+/).includes(controller))
  if (missing.length === 0) return
  const wanted = missing.map((controller) => `+${controller}`).join(" ")
  await write(parents.memory, "cgroup.subtree_control", wanted)
}

function createCgroup(folders: readonly string[], version: 1 | 2, kernel: Kernel): Cgroup {
  let ended: Promise<void> | null = null
  return {
    folders,
    async outOfMemory() {
      const files = folders.map((folder) =>
        readIfThere(join(folder, version === 1 ? "memory.oom_control" : "memory.events")),
      )
      return (await Promise.all(files)).some((text) => /^oom_kill [1-9]/m.test(text))
    },
    freezer:
      version === 2 || folders.length > controllers.length
        ? { freeze: () => freezeGroup(folders), thaw: () => thawGroup(folders) }
        : null,
    kill: () => killAll(folders),
    async countsSwap() {
      const files = ["memory.memsw.limit_in_bytes", "memory.swap.max"]
      const texts = folders.flatMap((folder) => files.map((file) => readIfThere(join(folder, file))))
      return (await Promise.all(texts)).some((text) => text !== "")
    },
    end() {
      ended ??= end(folders, kernel)
      return ended
    },
  }
}

async function end(folders: readonly string[], kernel: Kernel): Promise<void> {
  await killAll(folders)
  for (const folder of folders) await removeWhenEmpty(folder, folders, kernel)
}

async function killAll(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    // No new process may start while the existing ones end.
    await writeIfThere(folder, "pids.max", "0")
    await writeIfThere(folder, "cgroup.kill", "1")
  }
  for (const folder of folders) {
    for (const pid of (await readIfThere(join(folder, "cgroup.procs"))).split("\n")) {
      if (pid !== "") kill(Number(pid))
    }
  }
  // On version 1 a frozen process dies only after it is thawed, and before it does anything else.
  await thawGroup(folders)
}

const attempts = 500

/** Removes a group when it is empty. A killed process stays in its group until the kernel has removed it. */
async function removeWhenEmpty(folder: string, folders: readonly string[], kernel: Kernel): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await kernel.removeGroup(folder)
    } catch (error) {
      if (hasCode(error, "ENOENT")) return
      if (!hasCode(error, "EBUSY") || attempt === attempts) throw error
    }
    await delay(10)
    await killAll(folders)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error
  }
}

function write(folder: string, name: string, value: string): Promise<void> {
  return writeFile(join(folder, name), value)
}
