import { isIP } from "node:net"
import type { Context } from "hono"
import { ConfigurationError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { HttpEnv } from "../http-env.ts"
import { selectOutermost } from "./forwarded.ts"

/** Returns the network address of a request. Null if the server does not report it. */
export type ClientAddress = (c: Context<HttpEnv>) => string | null

export interface ClientAddressOptions {
  /** Number of proxies before the gateway. */
  readonly trustProxy: number
  readonly logger: Logger
}

/**
 * Returns the socket's address, or with proxies the address that the outermost proxy saw. Each proxy appends its
 * caller to `X-Forwarded-For`.
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
    if (trustProxy > 0) return parseForwardedFor(forwardedFor, trustProxy) ?? socket
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

function parseForwardedFor(header: string, proxies: number): string | null {
  const address = selectOutermost(header, proxies)
  return isIP(address) === 0 ? null : address
}
