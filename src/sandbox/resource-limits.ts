import { megabyte, type SandboxLimits } from "./limits.ts"

/** Limits of each process, as arguments of prlimit(1), where no control group is needed for them. */
export function resourceLimits({ diskMb }: SandboxLimits): readonly string[] {
  const fileBytes = diskMb * megabyte
  return ["--core=0:0", `--fsize=${fileBytes}:${fileBytes}`]
}

/**
 * What stands in for a control group: memory and time of each process, and the number of processes of the user, which is
 * the session's own or, in a user namespace, counted inside it.
 */
export function groupLimits({ memoryMb, pids, cpus, maxTimeoutMs }: SandboxLimits): readonly string[] {
  const bytes = memoryMb * megabyte
  const seconds = Math.ceil((maxTimeoutMs / 1000) * Math.max(cpus, 1))
  return [`--data=${bytes}:${bytes}`, `--nproc=${pids}:${pids}`, `--cpu=${seconds}:${seconds}`]
}
