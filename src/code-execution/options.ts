import { z } from "zod"
import type { SandboxConfig } from "../sandbox/config.ts"

/** Options of code execution. All are optional; limits are for each execution. */
export interface CodeExecutionConfig extends SandboxConfig {
  /** Time limit of code that asks for none. Default 30 000. */
  readonly defaultTimeoutMs?: number
  /** Bytes of each of the two output streams that are kept: its beginning and its end. Default 100 000. */
  readonly maxOutputBytes?: number
  /** Background tasks that one session may have at once. Default 3. */
  readonly maxBackground?: number
}

const count = z.int().positive().optional()

const configuration = z.strictObject({
  backends: z
    .array(z.enum(["docker", "bubblewrap", "subprocess"]))
    .min(1)
    .optional(),
  requireSandbox: z.boolean().optional(),
  image: z.string().min(1).optional(),
  dockerSocket: z.string().min(1).optional(),
  warmPool: z.int().nonnegative().optional(),
  memoryMb: z.int().min(16).optional(),
  cpus: z.number().positive().optional(),
  pids: z.int().min(8).optional(),
  diskMb: count,
  diskEntries: z.int().min(16).max(1_000_000).optional(),
  defaultTimeoutMs: count,
  maxTimeoutMs: z
    .int()
    .positive()
    .max(24 * 60 * 60 * 1_000)
    .optional(),
  maxOutputBytes: z
    .int()
    .min(1_000)
    .max(16 * 1024 * 1024)
    .optional(),
  maxBackground: z.int().nonnegative().optional(),
  maxConcurrent: count,
  maxConcurrentPerUser: count,
  maxQueued: z.int().nonnegative().optional(),
  network: z.enum(["none", "bridge", "host"]).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional(),
  files: z.record(z.string().min(1), z.string().min(1)).optional(),
  directory: z.string().min(1).optional(),
} satisfies Record<keyof CodeExecutionConfig, unknown>)

export const codeExecutionSchema = z.union([z.boolean(), configuration])
