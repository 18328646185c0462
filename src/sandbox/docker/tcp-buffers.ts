import { readFile } from "node:fs/promises"
import type Dockerode from "dockerode"
import { readIfThere, writeIfThere } from "../cgroups/files.ts"
import { groupPath } from "../cgroups/hierarchy.ts"

/**
 * Limits the buffers of a container's TCP connections, where version 1 of control groups leaves them out of the limit
 * of memory and the engine has no option for it that its runtime heeds. The container waits for its code meanwhile.
 * Does nothing where the container's group cannot be written to from here: by an ordinary user, or inside another
 * container.
 */
export async function limitTcpBuffers(container: Dockerode.Container, bytes: number): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { State } = await container.inspect()
  const mountinfo = await readFile("/proc/self/mountinfo", "utf8")
  const cgroup = await readIfThere(`/proc/${State.Pid}/cgroup`)
  const folder = groupPath("memory", { mountinfo, cgroup })
  // The process may be seen under another number here, or the group under another path.
  if (folder === null || !folder.includes(container.id)) return
  await writeIfThere(folder, "memory.kmem.tcp.limit_in_bytes", String(bytes))
}
