import { z } from "zod"
import type { CodeLanguage } from "../core/ports/sandbox.ts"
import type { ToolContext } from "../core/ports/tool.ts"
import type { SandboxConfig } from "../sandbox/config.ts"
import { maxTotalBytes } from "./images.ts"

/** Options of code execution. All are optional. Limits apply to each execution. */
export interface CodeExecutionConfig extends SandboxConfig {
  /** Maximum milliseconds of code without a time limit of its own. Default 30 000. */
  readonly defaultTimeoutMs?: number
  /** Maximum bytes that are kept of each of the two output streams: its beginning and its end. Default 100 000. */
  readonly maxOutputBytes?: number
  /** Maximum number of background tasks of one session. Default 3. */
  readonly maxBackground?: number
  /** Maximum number of images that one result shows to the model, 0 to 20. Default 8. */
  readonly maxImages?: number
  /** Maximum bytes of one image in a result. All images of a result have at most 3.5 MiB. Default 3.5 MiB. */
  readonly maxImageBytes?: number
  /**
   * Code that runs before the model's code, by language: at most 16 KiB each, on separate lines. Line numbers in
   * errors include it. Default: none.
   */
  readonly preamble?: Readonly<Partial<Record<CodeLanguage, string>>>
  /**
   * Returns environment variables of one execution of `code_execute`. They take precedence over `env`. Called before
   * each execution, for at most `callbackTimeoutMs`. If it fails, the code does not run. Default: only `env`.
   */
  readonly prepareEnv?: PrepareEnv
  /** Text at the end of the description of `code_execute`, such as a list of installed packages. Default: none. */
  readonly descriptionSuffix?: string
}

export type PrepareEnv = (
  execution: ExecutionContext,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>

export interface ExecutionContext {
  readonly session: ToolContext["session"]
  readonly runId: string
  readonly language: CodeLanguage
  /** Aborted when the run is canceled, when the process stops, and after `callbackTimeoutMs`. */
  readonly signal: AbortSignal
}

const maxPreambleBytes = 16_384

const count = z.int().positive().optional()
const preamble = z
  .string()
  .refine(
    (code) => Buffer.byteLength(code) <= maxPreambleBytes && !code.includes("\0"),
    `must have at most ${maxPreambleBytes} bytes, and no NUL character`,
  )
  .optional()

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
  maxImages: z.int().min(0).max(20).optional(),
  maxImageBytes: z.int().positive().max(maxTotalBytes).optional(),
  preamble: z.strictObject({ python: preamble, javascript: preamble, shell: preamble }).optional(),
  prepareEnv: z.custom<PrepareEnv>((value) => typeof value === "function", "expected a function").optional(),
  descriptionSuffix: z.string().max(4_000).optional(),
  maxConcurrent: count,
  maxConcurrentPerUser: count,
  maxQueued: z.int().nonnegative().optional(),
  network: z.enum(["none", "bridge", "host"]).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional(),
  files: z.record(z.string().min(1), z.string().min(1)).optional(),
  directory: z.string().min(1).optional(),
} satisfies Record<keyof CodeExecutionConfig, unknown>)

export const codeExecutionSchema = z.union([z.boolean(), configuration])
