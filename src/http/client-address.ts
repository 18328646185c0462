import { isIP } from "node:net"
import type { Context } from "hono"
import { ConfigurationError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { HttpEnv } from "./http-env.ts"

/** The network address a request came from; null where the server does not tell. */
export type ClientAddress = (c: Context<HttpEnv>) => string | null

export interface ClientAddressOptions {
  /** Number of proxies before the gateway. */
  readonly trustProxy: number
  readonly logger: Logger
}

/**
 * The socket's address, or with proxies the one that the outermost of them saw: each appends to `X-Forwarded-For`
 * whom it was called by, so what is further left was written by the client and means nothing.
 */
export function createClientAddress({ trustProxy, logger }: ClientAddressOptions): ClientAddress {
  if (!Number.isSafeInteger(trustProxy) || trustProxy < 0) {
    throw new ConfigurationError("trustProxy: expected the number of proxies before the gateway.")
  }
  let warned = false
  return (c) => {
    const socket = c.env?.incoming?.socket?.remoteAddress ?? null
    const forwardedFor = c.req.header("x-forwarded-for")
    if (forwardedFor === undefined) return socket
    if (trustProxy > 0) return forwarded(forwardedFor, trustProxy) ?? socket
    if (!warned) {
      warned = true
      logger.warn(
        {},
        "Requests have X-Forwarded-For. Behind a proxy, set trustProxy so that the gateway can distinguish clients.",
      )
    }
    return socket
  }
}

function forwarded(header: string, proxies: number): string | null {
  const chain = header.split(",").map((address) => address.trim())
  const address = chain[Math.max(chain.length - proxies, 0)] ?? ""
  return isIP(address) === 0 ? null : address
}
