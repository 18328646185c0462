import { ConfigurationError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Directory } from "../../core/ports/store/directory.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"

/** The parts of a running gateway that plugins use. They do not exist yet when plugins are set up. */
export interface LiveParts {
  readonly sessions: Sessions
  readonly directory: Directory
  /** If true, events have the own messages of providers. */
  readonly providerErrors: boolean
  /** Returns false while the process stops. */
  readonly accepting: () => boolean
  readonly logger: Logger
}

/** A place for the parts, which the gateway fills when it opens. */
export class LivePlace {
  #parts: LiveParts | null = null

  fill(parts: LiveParts): void {
    this.#parts = parts
  }

  /** Throws a `ConfigurationError` before the gateway is open. */
  take(): LiveParts {
    if (this.#parts !== null) return this.#parts
    throw new ConfigurationError(
      "The gateway is not open yet, so there are no runs and sessions. Use `runs` and `directory` from `start`, a " +
        "route or another part of the plugin, and not in `setup`.",
    )
  }
}
