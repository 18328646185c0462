import type { Logger } from "../core/ports/logger.ts"
import type { Cgroups } from "./cgroups/cgroups.ts"
import type { Instance } from "./instances.ts"
import type { SandboxLimits } from "./limits.ts"

/** Options that every backend is opened with. */
export interface BackendOptions {
  readonly limits: SandboxLimits
  readonly network: SandboxNetwork
  /** Added to the environment of the code. */
  readonly env: Readonly<Record<string, string>>
  /** Folder in which sandboxes keep their own files; absolute. */
  readonly directory: string
  /** This process's own folder, removed when it closes, or by others when it is dead. It need not be there yet. */
  readonly privateFolder: string
  readonly instance: Instance
  /** Or why there are none. */
  readonly cgroups: Cgroups | string
  readonly logger: Logger
}

/** `none` has no network at all; `bridge` is Docker's; `host` is the machine's own, with all that listens on it. */
export type SandboxNetwork = "none" | "bridge" | "host"
