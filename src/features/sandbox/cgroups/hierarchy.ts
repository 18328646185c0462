import { access } from "node:fs/promises"
import { join } from "node:path"

/** A place in which this process may create control groups. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Parent folders of new groups, by controller. On version 2 it is the same folder for all. */
  readonly parents: Readonly<Record<Controller, string>>
  /**
   * Parent folder of new groups that can be frozen. Null if there is none, and on version 2, where every group can be
   * frozen.
   */
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
 * Returns candidates in order. The first one is a group below this process's own, which is what the process was
 * allotted. The next one is the root of the mounted hierarchy, because on version 2 a group that contains processes
 * cannot contain limited groups.
 */
export async function findHierarchies({ mountinfo, cgroup }: ProcessFiles): Promise<readonly Hierarchy[]> {
  const mounts = parseMounts(mountinfo)
  const groups = parseGroups(cgroup)
  const own: Partial<Record<Controller, string>> = {}
  for (const controller of controllers) {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes(controller))
    if (mount !== undefined) own[controller] = await findExisting(mount.path, groups.get(controller) ?? "/")
  }
  const { memory, pids, cpu } = own
  if (memory !== undefined && pids !== undefined && cpu !== undefined) {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes("freezer"))
    const freezer = mount === undefined ? null : await findExisting(mount.path, groups.get("freezer") ?? "/")
    return [{ version: 1, parents: { memory, pids, cpu }, freezer }]
  }
  const unified = mounts.find(({ type }) => type === "cgroup2")?.path
  if (unified === undefined) return []
  const parents = new Set([await findExisting(unified, groups.get("") ?? "/"), unified])
  return [...parents].map((path) => ({
    version: 2,
    parents: { memory: path, pids: path, cpu: path },
    freezer: null,
  }))
}

/**
 * Returns the expected path of a process's group of a controller of version 1. Null if there is no such controller.
 */
export function findGroupPath(controller: string, { mountinfo, cgroup }: ProcessFiles): string | null {
  const mount = parseMounts(mountinfo).find(
    ({ type, options }) => type === "cgroup" && options.includes(controller),
  )
  const group = parseGroups(cgroup).get(controller)
  return mount === undefined || group === undefined ? null : join(mount.path, group)
}

/**
 * Returns an existing path. In a container, the group's path may not be mounted, and the mount itself is the group.
 */
async function findExisting(mount: string, group: string): Promise<string> {
  const path = join(mount, group)
  return access(path).then(
    () => path,
    () => mount,
  )
}

/** Parses lines such as `36 25 0:31 / /sys/fs/cgroup/memory rw,… shared:9 - cgroup cgroup rw,memory`. */
function parseMounts(mountinfo: string) {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ")
    const path = before.split(" ")[4]
    const [type = "", , options = ""] = after.split(" ")
    return path === undefined ? [] : [{ path, type, options: options.split(",") }]
  })
}

/** Parses lines such as `4:memory:/group`, with one controller or more, and `0::/group` on version 2. */
function parseGroups(cgroup: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const line of cgroup.trim().split("\n")) {
    const [, names = "", ...path] = line.split(":")
    for (const name of names.split(",")) groups.set(name, path.join(":"))
  }
  return groups
}
