import type { FetchLike } from "@modelcontextprotocol/client"
import { GatewayError } from "../../../core/errors.ts"
import type { HttpConfig } from "../config/server-config.ts"
import { limitBody } from "../http/server-fetch.ts"
import { isLoopback } from "../loopback.ts"

/** Maximum bytes of a response, which is a small document. */
const longestAnswer = 1024 * 1024

/**
 * Returns the fetch for the OAuth requests of a server. The server chooses their URLs, so they must neither reach
 * hosts that only the gateway can reach, nor send the server's own keys elsewhere. `signal` aborts them all.
 */
export function createOAuthFetch({ url: server, headers }: HttpConfig, signal: AbortSignal): FetchLike {
  return async (target, init) => {
    const url = new URL(target)
    requireSafe(url, server)
    const own = url.origin === server.origin ? headers : {}
    const all = new Headers({ ...own, ...Object.fromEntries(new Headers(init?.headers)) })
    return limitBody(await fetch(url, { redirect: "error", ...init, headers: all, signal }), longestAnswer)
  }
}

/**
 * Throws for a URL that neither uses TLS, which authenticates the host, nor is on the server's own host.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/security_best_practices#server-side-request-forgery-ssrf
 */
export function requireSafe(url: URL, server: URL): void {
  const isNear = url.hostname === server.hostname || (isLoopback(url) && isLoopback(server))
  if (url.protocol === "https:" || (url.protocol === "http:" && isNear)) return
  const message = `The server names ${url.origin} for its authorization, which is neither https nor its own host.`
  throw new GatewayError({ code: "mcp_unsafe_authorization", status: 502 }, message)
}
