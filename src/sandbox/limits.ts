/** Limits of one execution. Defaults in `defaultLimits`. */
export interface SandboxLimits {
  readonly memoryMb: number
  /** Number of processors; 0.5 is half of one. */
  readonly cpus: number
  /** Maximum number of concurrent processes and threads. */
  readonly pids: number
  /** Mebibytes of the session's working directory, over all its executions. */
  readonly diskMb: number
  /** Files, folders and links in the session's working directory. */
  readonly diskEntries: number
  /** Maximum milliseconds of an execution, whatever its request is. */
  readonly maxTimeoutMs: number
}

export const defaultLimits: SandboxLimits = {
  memoryMb: 512,
  cpus: 1,
  pids: 128,
  diskMb: 512,
  diskEntries: 20_000,
  maxTimeoutMs: 600_000,
}

export const megabyte = 1024 * 1024

/** Disk quota of a session's working directory. */
export function diskQuota({ diskMb, diskEntries }: Pick<SandboxLimits, "diskMb" | "diskEntries">) {
  return { bytes: diskMb * megabyte, entries: diskEntries }
}

/** Size of `/tmp` in a sandbox. It is in memory, and removed with the execution. */
export const temporaryBytes = 64 * megabyte
/** Size of `/dev/shm`. */
export const sharedMemoryBytes = 16 * megabyte
/** Maximum number of open files of one process. */
export const openFiles = 256
