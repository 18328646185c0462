import { megabyte, type SandboxLimits } from "../limits.ts"

/** Limits of each process, as arguments of prlimit(1), where no control group is needed for them. */
export function resourceLimits({ diskMb }: SandboxLimits): readonly string[] {
  const fileBytes = diskMb * megabyte
  return ["--core=0:0", `--fsize=${fileBytes}:${fileBytes}`]
}

/**
 * Address space that Node reserves and hardly uses: 512 MB for compiled code, and 50 to 58 MB for the stacks of its
 * threads, measured with Node 24. The kernel counts all of it as data. Without it Node ends before it runs any code.
 */
const nodeReservedMb = 576

/**
 * Stands in for a control group: memory and processor time of each process. The hard limit of memory leaves room for
 * what Node reserves; the launcher raises the limit to it for JavaScript alone, and lowers it for the rest.
 */
export function processLimits({ memoryMb, cpus, maxTimeoutMs }: SandboxLimits): readonly string[] {
  const bytes = memoryMb * megabyte
  const withNode = (memoryMb + nodeReservedMb) * megabyte
  const seconds = Math.ceil((maxTimeoutMs / 1000) * Math.max(cpus, 1))
  return [`--data=${bytes}:${withNode}`, `--cpu=${seconds}:${seconds}`]
}

/**
 * Bounds all processes of a user, so only good where that user is the session's own, or is counted in a user namespace:
 * the gateway's own user may have more already.
 */
export function userLimits({ pids }: SandboxLimits): readonly string[] {
  return [`--nproc=${pids}:${pids}`]
}
