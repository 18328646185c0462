import type { FetchLike } from "@modelcontextprotocol/client"
import { GatewayError } from "../../core/errors.ts"
import type { HttpConfig } from "../config/server-config.ts"
import { bounded } from "../http/server-fetch.ts"
import { isLoopback } from "../loopback.ts"

/** Bytes of an answer, which is a small document. */
const longestAnswer = 1024 * 1024

/**
 * For what a server's OAuth asks of others. Where to, the server says: it cannot send the gateway to what only the
 * gateway reaches, nor have the keys that are meant for itself sent elsewhere. All of it ends with `signal`.
 */
export function oauthFetch({ url: server, headers }: HttpConfig, signal: AbortSignal): FetchLike {
  return async (target, init) => {
    const url = new URL(target)
    requireSafe(url, server)
    const own = url.origin === server.origin ? headers : {}
    const all = new Headers({ ...own, ...Object.fromEntries(new Headers(init?.headers)) })
    return bounded(await fetch(url, { redirect: "error", ...init, headers: all, signal }), longestAnswer)
  }
}

/**
 * Throws for an address that is neither by TLS, whose host proves who it is, nor on the server's own host.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices#server-side-request-forgery-ssrf
 */
export function requireSafe(url: URL, server: URL): void {
  const isNear = url.hostname === server.hostname || (isLoopback(url) && isLoopback(server))
  if (url.protocol === "https:" || (url.protocol === "http:" && isNear)) return
  const message = `The server names ${url.origin} for its authorization, which is neither https nor its own host.`
  throw new GatewayError({ code: "mcp_unsafe_authorization", status: 502 }, message)
}
