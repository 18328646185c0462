import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from "@modelcontextprotocol/client"
import { responseEndedCode } from "./http/streamable-http.ts"

export type CallFailure =
  /** The connection is gone, and the server has surely not executed the call. */
  | "notExecuted"
  /** The connection is gone, and nobody knows what the server did. */
  | "unknown"
  /** The server wants to be told who calls. It has not executed the call. */
  | "unauthorized"
  /** The server answered, though not with a result. */
  | "answered"

/** Errors of the network that come before a request is sent. */
const unsent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
])

/** Decides the effect of a failed call on the connection and on the call. */
export function classifyFailure(thrown: unknown): CallFailure {
  if (UnauthorizedError.isInstance(thrown)) return "unauthorized"
  if (ProtocolError.isInstance(thrown)) return thrown.code === responseEndedCode ? "unknown" : "answered"
  if (SdkHttpError.isInstance(thrown)) {
    if (thrown.status === 401) return "unauthorized"
    return isSessionExpired(thrown) ? "notExecuted" : "answered"
  }
  if (SdkError.isInstance(thrown)) {
    if (thrown.code === SdkErrorCode.NotConnected) return "notExecuted"
    return thrown.code === SdkErrorCode.ConnectionClosed ? "unknown" : "answered"
  }
  // What fetch throws for a network that failed.
  if (thrown instanceof TypeError && thrown.cause !== undefined) {
    return unsent.has(codeOf(thrown.cause)) ? "notExecuted" : "unknown"
  }
  return "answered"
}

/**
 * 404 by the specification; common servers answer 400 and name the session.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
 */
function isSessionExpired({ status, message }: SdkHttpError): boolean {
  return status === 404 || (status === 400 && /session/i.test(message))
}

function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError) return codeOf(cause.errors[0])
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
}
