import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { count } from "../../platform/options/schemas.ts"

/** Limits of one execution. */
export interface SandboxLimits {
  /** Memory of an execution in mebibytes. Default 512. */
  readonly memoryMb: number
  /** Number of processors; 0.5 is half of one. Default 1. */
  readonly cpus: number
  /** Maximum number of concurrent processes and threads. Default 128. */
  readonly pids: number
  /** Mebibytes of the session's working directory, over all its executions. Default 512. */
  readonly diskMb: number
  /** Files, folders and links in the session's working directory. Default 20 000. */
  readonly diskEntries: number
  /** Maximum milliseconds of an execution, whatever its request is. Default 600 000. */
  readonly maxTimeoutMs: number
}

const longestTimeoutMs = 24 * 60 * 60 * 1_000

export const sandboxLimits = declareOptions<SandboxLimits>()({
  memoryMb: z.int().min(16).default(512),
  cpus: z.number().positive().default(1),
  pids: z.int().min(8).default(128),
  diskMb: count.default(512),
  diskEntries: z.int().min(16).max(1_000_000).default(20_000),
  maxTimeoutMs: z.int().positive().max(longestTimeoutMs).default(600_000),
})

export const megabyte = 1024 * 1024

/** Disk quota of a session's working directory. */
export function computeDiskQuota({ diskMb, diskEntries }: Pick<SandboxLimits, "diskMb" | "diskEntries">) {
  return { bytes: diskMb * megabyte, entries: diskEntries }
}

/** Measured with Linux 6.18: locks of 67 MB, with a limit of 64 MB for all memory. UDP buffers do count. */
export const uncountedMemory = "the limit of memory leaves out file locks"

/** Size of `/tmp` in a sandbox. It is in memory, and removed with the execution. */
export const temporaryBytes = 64 * megabyte
/** Size of `/dev/shm`. */
export const sharedMemoryBytes = 16 * megabyte
/** Maximum number of open files of one process. */
export const openFiles = 256
