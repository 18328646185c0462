import { megabyte, type SandboxLimits } from "./limits.ts"

/** Limits of each process, as arguments of prlimit(1), where no control group is needed for them. */
export function resourceLimits({ diskMb }: SandboxLimits): readonly string[] {
  const fileBytes = diskMb * megabyte
  return ["--core=0:0", `--fsize=${fileBytes}:${fileBytes}`]
}

/** What stands in for a control group: memory and processor time of each process. */
export function processLimits({ memoryMb, cpus, maxTimeoutMs }: SandboxLimits): readonly string[] {
  const bytes = memoryMb * megabyte
  const seconds = Math.ceil((maxTimeoutMs / 1000) * Math.max(cpus, 1))
  return [`--data=${bytes}:${bytes}`, `--cpu=${seconds}:${seconds}`]
}

/**
 * Bounds all processes of a user, so only good where that user is the session's own, or is counted in a user namespace:
 * the gateway's own user may have more already.
 */
export function userLimits({ pids }: SandboxLimits): readonly string[] {
  return [`--nproc=${pids}:${pids}`]
}
