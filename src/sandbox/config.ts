import type { SandboxName } from "../core/ports/sandbox.ts"
import { defaultImage } from "./default-image.ts"
import { defaultLimits, type SandboxLimits } from "./limits.ts"
import type { SandboxNetwork } from "./options.ts"

/** Options of code execution. All are optional. Every one is optional. */
export interface SandboxConfig extends Partial<SandboxLimits> {
  /** Backends that may be used, best first. Default `["docker", "bubblewrap", "subprocess"]`. */
  readonly backends?: readonly SandboxName[]
  /** Refuses to start rather than offer a plain subprocess. Default false. */
  readonly requireSandbox?: boolean
  /** Default: what `agent-gateway sandbox build` makes. */
  readonly image?: string
  /** The path of Docker's Unix socket. Default: what `DOCKER_HOST` says, else `/var/run/docker.sock`. */
  readonly dockerSocket?: string
  /** Containers kept waiting for sessions that have run code before, over all sessions. Default 4; 0 for none. */
  readonly warmPool?: number
  /**
   * Default `none`. `bridge` is for Docker only; `host` gives code the machine's own network with all that listens on
   * it.
   */
  readonly network?: SandboxNetwork
  /** Added to the environment of the code, where nothing else of the gateway's environment is. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Files of the host, by the path under which each session finds a copy in its working directory. They count as its
   * `diskMb`.
   */
  readonly files?: Readonly<Record<string, string>>
  /**
   * Folder of the working directories. For gateways of one store alone; best a folder that is not there yet. Default:
   * beside the store's data.
   */
  readonly directory?: string
  /** Executions at once in this process, at most a quarter of them of one session. Further ones wait. Default 16. */
  readonly maxConcurrent?: number
  /**
   * Executions at once of one user, over all sessions. Further ones wait. Default: half of `maxConcurrent`, at least
   * 1.
   */
  readonly maxConcurrentPerUser?: number
  /**
   * Executions that may wait, at most three quarters of them of one tenant, and a quarter of one user. Further ones
   * fail. Default 256.
   */
  readonly maxQueued?: number
}

export type CompleteSandboxConfig = Required<Omit<SandboxConfig, "directory">>

export function withDefaults(config: SandboxConfig, dockerSocket: string | undefined): CompleteSandboxConfig {
  const { maxConcurrent = 16 } = config
  return {
    ...defaultLimits,
    backends: ["docker", "bubblewrap", "subprocess"],
    requireSandbox: false,
    image: defaultImage,
    dockerSocket: dockerSocket ?? "/var/run/docker.sock",
    warmPool: 4,
    network: "none",
    env: {},
    files: {},
    maxConcurrent,
    maxConcurrentPerUser: Math.max(1, Math.floor(maxConcurrent / 2)),
    maxQueued: 256,
    ...config,
  }
}
