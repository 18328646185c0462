import { readFile } from "node:fs/promises"
import type Dockerode from "dockerode"
import { readIfThere, writeIfThere } from "../cgroups/files.ts"
import { findGroupPath } from "../cgroups/hierarchy.ts"

/**
 * Limits the buffers of a container's TCP connections. With version 1 of control groups, the memory limit does not
 * include them, and the engine has no option that its runtime respects. The container waits for its code meanwhile.
 * Does nothing if this process cannot write to the container's group, as an ordinary user or inside another
 * container.
 */
export async function limitTcpBuffers(container: Dockerode.Container, bytes: number): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { State } = await container.inspect()
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8")
  const cgroup = await readIfThere(`/proc/${State.Pid}/cgroup`)
  const folder = findGroupPath("memory", { mountinfo, cgroup })
  // The process may have another id here, or the group another path.
  if (folder === null || !folder.includes(container.id)) return
  await writeIfThere(folder, "memory.kmem.tcp.limit_in_bytes", String(bytes))
}
