import { toError } from "../../core/errors.ts"
import type { TransportConfig } from "./config/server-config.ts"

/** Maximum length of a chain of causes. */
const mostCauses = 10

/**
 * Describes why a server did not start: its address or command, and the innermost cause, such as a refused
 * connection.
 */
export function describeStartFailure(thrown: unknown, transport: TransportConfig): string {
  const reason = findInnermostMessage(thrown)
  if (transport.type === "stdio") return reason
  const { origin, pathname } = transport.url
  return `${origin}${pathname}: ${reason}`
}

/** Returns the innermost message. The outer errors of a failed connection only say "fetch failed". */
function findInnermostMessage(thrown: unknown): string {
  let error = toError(thrown)
  for (let depth = 0; depth < mostCauses; depth++) {
    const cause = error instanceof AggregateError ? error.errors[0] : error.cause
    if (!(cause instanceof Error)) break
    error = cause
  }
  return error.message || toError(thrown).message
}
