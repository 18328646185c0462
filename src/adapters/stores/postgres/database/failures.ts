import { ConfigurationError, GatewayError, StoreUnavailableError, toError } from "../../../../core/errors.ts"

/**
 * Classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html, for states of the server. The
 * request itself is correct.
 */
const unavailableClasses: ReadonlySet<string> = new Set([
  "08", // Connection exceptions.
  "25", // Invalid transaction state, such as read-only after a failover, or an idle timeout.
  "28", // Invalid authorization.
  "3D", // the database no longer exists
  "40", // Transaction rollback, such as a deadlock.
  "53", // Insufficient resources, such as a full disk or too many connections.
  "55", // The lock is not available.
  "57", // Operator intervention, such as a shutdown or a canceled query.
  "58", // System errors.
])

/** Converts any error of `pg`. An error that did not come from the server is a failure of the connection. */
export function toStoreError(error: unknown): Error {
  if (error instanceof GatewayError) return error
  const state = readSqlState(error)
  if (state !== null && !unavailableClasses.has(state.slice(0, 2))) return toError(error)
  return new StoreUnavailableError({ cause: error, detail: toError(error).message })
}

/**
 * Converts an error that prevents opening a store. The result names no address, because an address may contain a
 * password.
 */
export function toOpeningError(thrown: unknown): Error {
  if (thrown instanceof ConfigurationError) return thrown
  // Trying again does not help against most causes.
  const cause = thrown instanceof StoreUnavailableError ? thrown.cause : thrown
  const reason = toError(cause).message
  return new ConfigurationError(`The Postgres store cannot be opened: ${reason}.${findAdvice(cause)}`, {
    cause,
  })
}

/** Returns what an operator can do about an error of the server. */
function findAdvice(error: unknown): string {
  const state = readSqlState(error) ?? ""
  if (state.startsWith("28")) return " Check the user, the password and sslmode in its URL."
  if (state.startsWith("3D")) return " Create the database, or correct its name in the URL."
  if (toError(error).message.includes("unsupported startup parameter")) {
    return (
      " A connection pooler refuses the gateway's time limits. Connect to Postgres directly, or set " +
      "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout in PgBouncer."
    )
  }
  return ""
}

/** Returns the SQLSTATE. Null if the error did not come from the server. */
export function readSqlState(error: unknown): string | null {
  const fromServer = error instanceof Error && "severity" in error && "code" in error
  return fromServer && typeof error.code === "string" ? error.code : null
}
