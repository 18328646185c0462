import { z } from "zod"
import type { CodeLanguage } from "../../../core/ports/tools/sandbox.ts"
import type { ToolContext } from "../../../core/ports/tools/tool.ts"
import { declareOptions } from "../../../platform/options/declare-options.ts"
import { resolveOptions } from "../../../platform/options/resolve-options.ts"
import { count, createFunctionSchema } from "../../../platform/options/schemas.ts"
import { type SandboxConfig, sandboxOptions } from "../config.ts"
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
  readonly preamble?: Readonly<Partial<Record<CodeLanguage, string | undefined>>>
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

const preamble = z
  .string()
  .refine(
    (code) => Buffer.byteLength(code) <= maxPreambleBytes && !code.includes("\0"),
    `must have at most ${maxPreambleBytes} bytes, and no NUL character`,
  )
  .optional()

const codeExecutionOptions = declareOptions<CodeExecutionConfig>()({
  ...sandboxOptions,
  defaultTimeoutMs: count.default(30_000),
  maxOutputBytes: z
    .int()
    .min(1_000)
    .max(16 * 1024 * 1024)
    .default(100_000),
  maxBackground: z.int().nonnegative().default(3),
  maxImages: z.int().min(0).max(20).default(8),
  maxImageBytes: z.int().positive().max(maxTotalBytes).default(maxTotalBytes),
  preamble: z.strictObject({ python: preamble, javascript: preamble, shell: preamble }).default({}),
  prepareEnv: createFunctionSchema<PrepareEnv>().optional(),
  descriptionSuffix: z.string().max(4_000).default(""),
})

/** Settings that a runtime may have in place of those of the agent. */
export type CodeExecutionRunSettings = Pick<
  CodeExecutionConfig,
  | "defaultTimeoutMs"
  | "maxOutputBytes"
  | "maxImages"
  | "maxImageBytes"
  | "preamble"
  | "prepareEnv"
  | "descriptionSuffix"
>

const runSettings = declareOptions<CodeExecutionRunSettings>()({
  defaultTimeoutMs: codeExecutionOptions.defaultTimeoutMs.unwrap().optional(),
  maxOutputBytes: codeExecutionOptions.maxOutputBytes.unwrap().optional(),
  maxImages: codeExecutionOptions.maxImages.unwrap().optional(),
  maxImageBytes: codeExecutionOptions.maxImageBytes.unwrap().optional(),
  preamble: codeExecutionOptions.preamble.unwrap().optional(),
  prepareEnv: codeExecutionOptions.prepareEnv,
  descriptionSuffix: codeExecutionOptions.descriptionSuffix.unwrap().optional(),
})

export const codeExecutionRunSchema = z.union([z.boolean(), z.strictObject(runSettings)]).optional()

/** Returns the settings of a runtime. Null if its runs cannot execute code. */
export function resolveRunSettings(settings: unknown): CodeExecutionRunSettings | null {
  if (settings === false) return null
  if (settings === undefined || settings === true) return {}
  // The schemas check the type.
  const given = settings as CodeExecutionRunSettings
  return resolveOptions<CodeExecutionRunSettings, typeof runSettings>("codeExecution", runSettings, given)
}

export const codeExecutionSchema = z.union([z.boolean(), z.strictObject(codeExecutionOptions)])

/** Returns the options with their defaults. */
export function resolveCodeExecution(options: CodeExecutionConfig) {
  return resolveOptions("codeExecution", codeExecutionOptions, options)
}
