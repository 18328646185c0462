import { expect, test } from "vitest"
import { findHierarchies } from "./hierarchy.ts"

const v1 = (controller: string) =>
  `30 25 0:26 / /sys/fs/cgroup/${controller} rw,relatime - cgroup cgroup rw,${controller}`
const v2 = (path: string) => `31 25 0:27 / ${path} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate`

test("version 1 has a parent for each controller, even if several share a mount", async () => {
  const mountinfo = [
    v1("memory"),
    v1("pids"),
    "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
    v2("/sys/fs/cgroup/unified"),
  ].join("\n")
  const cgroup = "4:memory:/no-such-group\n3:pids:/\n2:cpu,cpuacct:/no-such-group\n0::/\n"
  expect(await findHierarchies({ mountinfo, cgroup })).toEqual([
    {
      version: 1,
      parents: {
        memory: "/sys/fs/cgroup/memory",
        pids: expect.stringMatching(/^\/sys\/fs\/cgroup\/pids\/?$/),
        cpu: "/sys/fs/cgroup/cpu,cpuacct",
      },
      freezer: null,
    },
  ])
})

test("version 2 tries the process's own group first, then the root of the mount", async () => {
  // Any folder with a subfolder can take the place of the mount.
  const found = await findHierarchies({ mountinfo: v2("/proc"), cgroup: "0::/self\n" })
  expect(found.map(({ version, parents }) => [version, parents.memory, parents.cpu])).toEqual([
    [2, "/proc/self", "/proc/self"],
    [2, "/proc", "/proc"],
  ])
})

test("nothing is tried without control groups", async () => {
  expect(await findHierarchies({ mountinfo: "", cgroup: "" })).toEqual([])
})
