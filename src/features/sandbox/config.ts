import { z } from "zod"
import type { SandboxName } from "../../core/ports/tools/sandbox.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { pickOptions, resolveOptions } from "../../platform/options/resolve-options.ts"
import { count } from "../../platform/options/schemas.ts"
import { defaultImage } from "./default-image.ts"
import { type SandboxLimits, sandboxLimits } from "./limits.ts"
import type { SandboxNetwork } from "./options.ts"

/** Options of code execution. All are optional. */
export interface SandboxConfig extends Partial<SandboxLimits> {
  /** Allowed backends, best first. Default `["docker", "bubblewrap", "subprocess"]`. */
  readonly backends?: readonly SandboxName[]
  /** If true, the gateway refuses to start if it could only offer a plain subprocess. Default false. */
  readonly requireSandbox?: boolean
  /** Docker image. Default: the image that `agent-gateway sandbox build` builds. */
  readonly image?: string
  /** Path of Docker's Unix socket. Default: the socket in `DOCKER_HOST`, or otherwise `/var/run/docker.sock`. */
  readonly dockerSocket?: string
  /**
   * Program that runs Python code with `subprocess`, such as that of a virtual environment: a path, or a name on the
   * `PATH` of the gateway. The users that run code must be able to run it. Default: the first `python3` for which this
   * holds.
   */
  readonly python?: string
  /**
   * Maximum number of waiting containers, over all sessions. They wait for sessions that have run code before.
   * Default 4; 0 for none.
   */
  readonly warmPool?: number
  /**
   * Network of the code. Default `none`. `bridge` is for Docker only. `host` gives code the machine's own network,
   * including every service that listens on it.
   */
  readonly network?: SandboxNetwork
  /** Environment variables of the code. It receives no other variables of the gateway. Default: none. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Files of the host, by their path in the working directory. Each session receives a copy. The copies count toward
   * its `diskMb`.
   */
  readonly files?: Readonly<Record<string, string>>
  /**
   * Folder of the working directories, for gateways of one store only. A folder that does not exist yet is best.
   * Default: a folder beside the store's data.
   */
  readonly directory?: string
  /**
   * Maximum concurrent executions in this process, at most a quarter of them of one session. Further ones wait.
   * Default 16.
   */
  readonly maxConcurrent?: number
  /**
   * Maximum concurrent executions of one user, over all sessions. Further ones wait. Default: half of
   * `maxConcurrent`, at least 1.
   */
  readonly maxConcurrentPerUser?: number
  /**
   * Maximum number of waiting executions, at most three quarters of them of one tenant, and a quarter of one user.
   * Further ones fail. Default 256.
   */
  readonly maxQueued?: number
}

/** Schemas with bounds and defaults. The gateway computes the defaults of three options. */
export const sandboxOptions = declareOptions<SandboxConfig>()({
  ...sandboxLimits,
  backends: z
    .array(z.enum(["docker", "bubblewrap", "subprocess"]))
    .min(1)
    .default(["docker", "bubblewrap", "subprocess"]),
  requireSandbox: z.boolean().default(false),
  image: z.string().min(1).default(defaultImage),
  dockerSocket: z.string().min(1).optional(),
  python: z.string().min(1).optional(),
  warmPool: z.int().nonnegative().default(4),
  network: z.enum(["none", "bridge", "host"]).default("none"),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
  files: z.record(z.string().min(1), z.string().min(1)).default({}),
  directory: z.string().min(1).optional(),
  maxConcurrent: count.default(16),
  maxConcurrentPerUser: count.optional(),
  maxQueued: z.int().nonnegative().default(256),
})

export interface CompleteSandboxConfig extends Required<Omit<SandboxConfig, "directory" | "python">> {
  readonly python: string | undefined
  /** The gateway's `PATH`. */
  readonly searchPath: string
}

export interface SandboxEnvironment {
  /** The Unix socket of `DOCKER_HOST`. */
  readonly dockerSocket?: string | undefined
  /** The variable `PATH`. */
  readonly searchPath: string | undefined
}

/** Returns the options with all defaults. */
export function completeConfig(
  config: SandboxConfig,
  { dockerSocket, searchPath = "" }: SandboxEnvironment,
): CompleteSandboxConfig {
  const resolved = resolveOptions("codeExecution", sandboxOptions, pickOptions(sandboxOptions, config))
  return {
    dockerSocket: dockerSocket ?? "/var/run/docker.sock",
    maxConcurrentPerUser: Math.max(1, Math.floor(resolved.maxConcurrent / 2)),
    python: undefined,
    searchPath,
    ...resolved,
  }
}
