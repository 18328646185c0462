/** What one execution may use. Defaults in `defaultLimits`. */
export interface SandboxLimits {
  readonly memoryMb: number
  /** Share of processors; 0.5 is half of one. */
  readonly cpus: number
  /** Processes and threads at once. */
  readonly pids: number
  /** Of the session's working directory, over all its executions. */
  readonly diskMb: number
  /** No execution lasts longer, whatever it asks for. */
  readonly maxTimeoutMs: number
}

export const defaultLimits: SandboxLimits = {
  memoryMb: 512,
  cpus: 1,
  pids: 128,
  diskMb: 512,
  maxTimeoutMs: 600_000,
}

export const megabyte = 1024 * 1024
/** Size of `/tmp` in a sandbox: in memory, and gone with the execution. */
export const temporaryBytes = 64 * megabyte
/** Size of `/dev/shm`. */
export const sharedMemoryBytes = 16 * megabyte
/** Open files of one process. */
export const openFiles = 256
