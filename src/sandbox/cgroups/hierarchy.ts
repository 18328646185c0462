import { access } from "node:fs/promises"
import { join } from "node:path"

/** A place in which this process may make control groups. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Folders to make a group in, by controller; on version 2 it is one for all. */
  readonly parents: Readonly<Record<Controller, string>>
  /** Folder to make a group in that can be frozen. Null if there is none, and on version 2, where each group can be. */
  readonly freezer: string | null
}

export const controllers = ["memory", "pids", "cpu"] as const
export type Controller = (typeof controllers)[number]

/** The texts of `/proc/self/mountinfo` and `/proc/self/cgroup`: see cgroups(7). */
export interface ProcessFiles {
  readonly mountinfo: string
  readonly cgroup: string
}

/**
 * Candidates in order. A group of its own below this process's is what it is allotted; the root of what is mounted
 * comes next, because on version 2 a group that holds processes can have no limited groups inside.
 */
export async function hierarchies({ mountinfo, cgroup }: ProcessFiles): Promise<readonly Hierarchy[]> {
  const mounts = mountsOf(mountinfo)
  const groups = groupsOf(cgroup)
  const own: Partial<Record<Controller, string>> = {}
  for (const controller of controllers) {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes(controller))
    if (mount !== undefined) own[controller] = await existing(mount.path, groups.get(controller) ?? "/")
  }
  const { memory, pids, cpu } = own
  if (memory !== undefined && pids !== undefined && cpu !== undefined) {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes("freezer"))
    const freezer = mount === undefined ? null : await existing(mount.path, groups.get("freezer") ?? "/")
    return [{ version: 1, parents: { memory, pids, cpu }, freezer }]
  }
  const unified = mounts.find(({ type }) => type === "cgroup2")?.path
  if (unified === undefined) return []
  const parents = new Set([await existing(unified, groups.get("") ?? "/"), unified])
  return [...parents].map((path) => ({
    version: 2,
    parents: { memory: path, pids: path, cpu: path },
    freezer: null,
  }))
}

/**
 * Returns the path at which a process's group of a controller of version 1 should be. Null if there is no such
 * controller.
 */
export function groupPath(controller: string, { mountinfo, cgroup }: ProcessFiles): string | null {
  const mount = mountsOf(mountinfo).find(
    ({ type, options }) => type === "cgroup" && options.includes(controller),
  )
  const group = groupsOf(cgroup).get(controller)
  return mount === undefined || group === undefined ? null : join(mount.path, group)
}

/** In a container, a group's path need not be what is mounted; then the mount is the group. */
async function existing(mount: string, group: string): Promise<string> {
  const path = join(mount, group)
  return access(path).then(
    () => path,
    () => mount,
  )
}

/** `36 25 0:31 / /sys/fs/cgroup/memory rw,… shared:9 - cgroup cgroup rw,memory` */
function mountsOf(mountinfo: string) {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ")
    const path = before.split(" ")[4]
    const [type = "", , options = ""] = after.split(" ")
    return path === undefined ? [] : [{ path, type, options: options.split(",") }]
  })
}

/** `4:memory:/group`, one controller or more; on version 2 `0::/group`. */
function groupsOf(cgroup: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const line of cgroup.trim().split("\n")) {
    const [, names = "", ...path] = line.split(":")
    for (const name of names.split(",")) groups.set(name, path.join(":"))
  }
  return groups
}
