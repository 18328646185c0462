import type { Context, MiddlewareHandler } from "hono"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import { isAmbient } from "../request/credential.ts"
import { isOwnOrigin, type OwnAddressOptions } from "../request/own-address.ts"
import { createHostCheck, type HostCheckOptions } from "./host-guard.ts"

export interface AmbientGuardOptions extends HostCheckOptions, OwnAddressOptions {
  /** Origins whose pages may send a user's credentials. `*` allows none. */
  readonly corsOrigins: readonly string[]
}

/**
 * For routes on which the application decides by the request who sends it: refuses a request that a page of another
 * site may have made a browser send with its user's credentials (CSRF), and on the gateway's own server one for a host
 * that an attacker may have registered (DNS rebinding). A browser sends `Origin` with every request that is not a GET.
 */
export function createAmbientGuard(options: AmbientGuardOptions): MiddlewareHandler<HttpEnv> {
  const check = createAmbientCheck(options)
  return async (c, next) => {
    check(c)
    await next()
  }
}

/** Returns the check of such a request, which throws a problem. */
export function createAmbientCheck(options: AmbientGuardOptions): (c: Context<HttpEnv>) => void {
  const requireHost = createHostCheck(options)
  const allowedOrigins = new Set(options.corsOrigins)

  return (c) => {
    if (!isAmbient(c.req.header("authorization"))) return
    if (c.env?.ownServer !== undefined) requireHost(c)
    requireOrigin(c)
  }

  function requireOrigin(c: Context<HttpEnv>): void {
    const origin = c.req.header("origin")
    if (origin === undefined && isOwnRead(c)) return
    if (origin !== undefined && (allowedOrigins.has(origin) || isOwnOrigin(c, origin, options))) return
    throw new Problem(
      { code: "origin_not_allowed", status: 403 },
      origin === undefined
        ? "Without a token in the Authorization header, the request must have the Origin header of a page " +
            "that may use the gateway. Browsers send it. Other clients send the gateway's own address in it."
        : "Pages of this origin may not use the gateway with their user's credentials. To allow them, add the " +
            "origin to the option corsOrigins.",
    )
  }
}

/**
 * Returns true for a GET request that no page of another site caused. Browsers send no `Origin` with a GET request of
 * the gateway's own pages, and say in `Sec-Fetch-Site` where a request comes from.
 */
function isOwnRead(c: Context<HttpEnv>): boolean {
  const site = c.req.header("sec-fetch-site")
  return c.req.method === "GET" && (site === undefined || site === "none" || site === "same-origin")
}
