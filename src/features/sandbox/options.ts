import type { Logger } from "../../core/ports/logger.ts"
import type { Cgroups } from "./cgroups/cgroups.ts"
import type { Instance } from "./instances.ts"
import type { SandboxLimits } from "./limits.ts"

/** Options for opening any backend. */
export interface BackendOptions {
  readonly limits: SandboxLimits
  readonly network: SandboxNetwork
  /** Additional environment variables of the code. */
  readonly env: Readonly<Record<string, string>>
  /** Folder in which sandboxes keep their own files, as an absolute path. */
  readonly directory: string
  /**
   * Folder of this process alone. It is removed when the process closes, or by other processes after its death. It
   * need not exist yet.
   */
  readonly privateFolder: string
  readonly instance: Instance
  /** Folder that `writePythonFolder` has written. */
  readonly pythonFolder: string
  /** The control groups, or the reason why there are none. */
  readonly cgroups: Cgroups | string
  readonly logger: Logger
}

/**
 * `none` is no network at all. `bridge` is Docker's bridge. `host` is the machine's own network, including every
 * service that listens on it.
 */
export type SandboxNetwork = "none" | "bridge" | "host"
