import { megabyte, type SandboxLimits } from "../limits.ts"

/** Returns the limits of each process as arguments of prlimit(1), for limits that need no control group. */
export function createResourceLimits({ diskMb }: SandboxLimits): readonly string[] {
  const fileBytes = diskMb * megabyte
  return ["--core=0:0", `--fsize=${fileBytes}:${fileBytes}`]
}

/**
 * Megabytes of address space that Node reserves and hardly uses: 512 MB for compiled code, and 50 to 58 MB for the
 * stacks of its threads, measured with Node 24. The kernel counts all of it as data. With a lower limit Node ends
 * before it runs any code.
 */
const nodeReservedMb = 576

/**
 * Returns limits for memory and processor time of each process, in place of a control group. The hard memory limit
 * includes the space that Node reserves. The launcher raises the soft limit to it for JavaScript, and lowers the hard
 * limit for other languages.
 */
export function createProcessLimits({ memoryMb, cpus, maxTimeoutMs }: SandboxLimits): readonly string[] {
  const bytes = memoryMb * megabyte
  const withNode = (memoryMb + nodeReservedMb) * megabyte
  const seconds = Math.ceil((maxTimeoutMs / 1000) * Math.max(cpus, 1))
  return [`--data=${bytes}:${withNode}`, `--cpu=${seconds}:${seconds}`]
}

/**
 * Returns the limit of all processes of a user. It works only if that user belongs to the session, or is counted in a
 * user namespace, because the gateway's own user may already have more.
 */
export function createUserLimits({ pids }: SandboxLimits): readonly string[] {
  return [`--nproc=${pids}:${pids}`]
}
