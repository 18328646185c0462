export interface GatewayErrorOptions {
  /** For the log. It is never sent to a caller. */
  readonly detail?: string
  readonly cause?: unknown
}

/**
 * An error of the caller or of a dependency. `message` is safe to show to any caller, `code` is stable, and `status`
 * is the HTTP status of the response. If `retryable` is true, the same call may succeed later.
 */
export class GatewayError extends Error {
  readonly code: string
  readonly status: number
  readonly retryable: boolean
  readonly detail: string | undefined

  constructor(
    kind: { readonly code: string; readonly status: number; readonly retryable?: boolean },
    message: string,
    options: GatewayErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = kind.code
    this.status = kind.status
    this.retryable = kind.retryable ?? false
    this.detail = options.detail
  }
}

/** The configuration cannot work. The message names the option and the reason. */
export class ConfigurationError extends GatewayError {
  constructor(message: string, options?: GatewayErrorOptions) {
    super({ code: "invalid_configuration", status: 500 }, message, options)
  }
}

/** The store is unreachable, refused a write, or is full. It accepted nothing. */
export class StoreUnavailableError extends GatewayError {
  constructor(options?: GatewayErrorOptions) {
    super(
      { code: "store_unavailable", status: 503, retryable: true },
      "The store is unavailable; try again.",
      options,
    )
  }
}

/** This process lost the lease of the session. Another process continues the session. */
export class LeaseLostError extends GatewayError {
  constructor(sessionId: string) {
    super(
      { code: "lease_lost", status: 503, retryable: true },
      `Another process took over session ${sessionId}.`,
    )
  }
}

/** A cancel of the run was acknowledged before the end of the run was published. */
export class RunCancelledError extends GatewayError {
  constructor(runId: string) {
    super({ code: "cancelled", status: 409 }, `Run ${runId} was cancelled.`)
  }
}

/** A steering message was acknowledged, or withdrawn, before the events that depend on it were stored. */
export class RunSteeredError extends GatewayError {
  constructor(runId: string) {
    super({ code: "steered", status: 409 }, `The messages that join run ${runId} have changed.`)
  }
}

/** The run was withdrawn while it was queued. */
export class RunWithdrawnError extends GatewayError {
  constructor(runId: string) {
    super({ code: "withdrawn", status: 409 }, `Run ${runId} was withdrawn before it started.`)
  }
}

/** A wait was answered just before it expired. */
export class WaitAnsweredError extends GatewayError {
  constructor() {
    super({ code: "answered", status: 409 }, "An answer arrived just before its wait expired.")
  }
}

/**
 * The process that executed a tool call is gone, so it is unknown if the call took effect. Tools throw this error.
 */
export class CallInterruptedError extends GatewayError {
  constructor(executor: string, options?: GatewayErrorOptions) {
    super(
      { code: "interrupted", status: 502 },
      `${executor} was lost during the call, which may or may not have taken effect.`,
      options,
    )
  }
}

/** The session holds data in a form that only newer versions of the gateway can read (rule 14, versions). */
export class LogTooNewError extends GatewayError {
  constructor() {
    super(
      { code: "log_too_new", status: 503, retryable: true },
      "A newer version of the gateway has written to this session, and this process cannot read it. " +
        "Try again: another process may serve it. The operator must upgrade this process.",
    )
  }
}

/** The request needs a form of the log that an older process of the gateway, which still runs, cannot read. */
export class UpgradeInProgressError extends GatewayError {
  constructor() {
    super(
      { code: "upgrade_in_progress", status: 503, retryable: true },
      "A process with an older version of the gateway is still running, and it cannot continue such work. " +
        "Try again when all processes are upgraded.",
    )
  }
}

/** Too much work of this kind waits for its turn, so this work was not started. */
export class OverloadedError extends GatewayError {
  constructor(message: string) {
    super({ code: "overloaded", status: 503, retryable: true }, message)
  }
}

/** A JSON Schema cannot be compiled, or exceeds the limits. */
export class UnusableSchemaError extends GatewayError {
  constructor(reason: string) {
    super({ code: "unusable_schema", status: 500 }, reason)
  }
}

/**
 * An outbox item can never be delivered, or must not be retried. Handlers throw this error, and the row is dead at
 * once.
 */
export class UndeliverableError extends GatewayError {
  constructor(reason: string, options?: GatewayErrorOptions) {
    super({ code: "undeliverable", status: 502 }, reason, options)
  }
}

/** The process is stopping. Its runs are parked and resume at the next start. */
export class ShuttingDownError extends GatewayError {
  constructor() {
    super({ code: "shutting_down", status: 503, retryable: true }, "The server is shutting down; try again.")
  }
}

/** Returns true for an error with this code, such as a system error `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code
}

/** Returns a thrown value as an `Error`. Another value becomes the `cause` of an `Error`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
}
