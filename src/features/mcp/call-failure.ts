import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from "@modelcontextprotocol/client"
import { responseEndedCode } from "./http/streamable-http.ts"

export type CallFailure =
  /** The connection is lost, and the server has certainly not executed the call. */
  | "notExecuted"
  /** The connection is lost, and it is unknown if the server executed the call. */
  | "unknown"
  /** The server requires authorization. It has not executed the call. */
  | "unauthorized"
  /** The server responded, but not with a result. */
  | "answered"

/** Network errors that occur before a request is sent. */
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
  // Fetch throws this error after a network failure.
  if (thrown instanceof TypeError && thrown.cause !== undefined) {
    return unsent.has(readCode(thrown.cause)) ? "notExecuted" : "unknown"
  }
  return "answered"
}

/**
 * Returns true if the server no longer has the session. The specification requires a 404, but common servers respond
 * with 400 and mention the session.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
 */
function isSessionExpired({ status, message }: SdkHttpError): boolean {
  return status === 404 || (status === 400 && /session/i.test(message))
}

function readCode(cause: unknown): string {
  if (cause instanceof AggregateError) return readCode(cause.errors[0])
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
}
