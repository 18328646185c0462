import type { Context, MiddlewareHandler } from "hono"
import type { PluginRoute } from "../../core/ports/plugin-route.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Callers } from "../auth/resolve-caller.ts"
import type { HttpEnv } from "../http-env.ts"
import { computeNetwork } from "../limits/network.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { requireForAll } from "../operate/admit-operators.ts"
import type { ClientAddress } from "../request/client-address.ts"

/** The level of access of a route. */
export type Access = NonNullable<Exclude<PluginRoute, (...args: never) => unknown>["access"]>

export interface PluginAccessOptions {
  readonly callers: Callers
  /** Admits operators. */
  readonly operators: readonly MiddlewareHandler<HttpEnv>[]
  readonly rateLimiting: RateLimiting
}

/** Creates the middleware that admits requests, by the route's level of access. */
export function createPluginAccess(
  options: PluginAccessOptions,
): Readonly<Record<Access, MiddlewareHandler<HttpEnv>[]>> {
  const { callers, rateLimiting } = options
  return {
    session: [callers.admit("session"), rateLimiting.caller],
    user: [callers.admit("user"), rateLimiting.caller],
    operator: [...options.operators, requireForAll("operate")],
    public: [rateLimiting.network],
  }
}

/** Returns the owner of a request's body, whose bodies share one allowance. */
export function findBodyOwner(
  access: Access,
  clientAddress: ClientAddress,
): (c: Context<HttpEnv>) => Principal {
  switch (access) {
    case "session":
    case "user":
      return (c) => c.get("caller").principal
    case "operator":
      return () => ({ tenant: "operators", userId: "" })
    case "public":
      return (c) => ({ tenant: computeNetwork(clientAddress(c) ?? ""), userId: "" })
    default:
      return access satisfies never
  }
}
