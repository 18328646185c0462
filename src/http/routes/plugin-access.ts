import type { Context, MiddlewareHandler } from "hono"
import type { PluginRoute } from "../../core/ports/plugin-route.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Identify } from "../auth/identify.ts"
import type { HttpEnv } from "../http-env.ts"
import { computeNetwork } from "../limits/network.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { Problem } from "../problem.ts"
import type { ClientAddress } from "../request/client-address.ts"
import { selectCredential } from "../request/credential.ts"

/** The level of access of a route. */
export type Access = NonNullable<Exclude<PluginRoute, (...args: never) => unknown>["access"]>

export interface PluginAccessOptions {
  /** Requires a session token. */
  readonly authenticated: MiddlewareHandler<HttpEnv>
  /** Identifies a user by the request. Null if the gateway knows users only by the claims of an API key. */
  readonly identify: Identify | null
  /** Checks for a request by which the application identifies a user. */
  readonly ambient: readonly MiddlewareHandler<HttpEnv>[]
  /** If false, any API key is accepted, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  /** Admits operators. */
  readonly operators: readonly MiddlewareHandler<HttpEnv>[]
  readonly rateLimiting: RateLimiting
}

/** Creates the middleware that admits requests, by the route's level of access. */
export function createPluginAccess(
  options: PluginAccessOptions,
): Readonly<Record<Access, MiddlewareHandler<HttpEnv>[]>> {
  const { authenticated, rateLimiting } = options
  return {
    session: [authenticated, rateLimiting.session],
    user: admitUsers(options),
    operator: [...options.operators, requireOperate],
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
      return (c) => c.get("session")
    case "user":
      return (c) => c.get("principal") ?? { tenant: "unknown", userId: "" }
    case "operator":
      return () => ({ tenant: "operators", userId: "" })
    case "public":
      return (c) => ({ tenant: computeNetwork(clientAddress(c) ?? ""), userId: "" })
    default:
      return access satisfies never
  }
}

function admitUsers(options: PluginAccessOptions): MiddlewareHandler<HttpEnv>[] {
  const { authenticated, identify, ambient, knowsUsers, rateLimiting } = options
  const count: MiddlewareHandler<HttpEnv> = async (c, next) => {
    const principal = c.get("principal")
    if (principal !== null) await rateLimiting.principal(c, principal)
    await next()
  }
  if (identify === null) {
    return [
      authenticated,
      async (c, next) => {
        if (!knowsUsers) throw createUsersUnknown()
        const { tenant, userId } = c.get("session")
        c.set("principal", { tenant, userId })
        await next()
      },
      count,
    ]
  }
  return [
    ...ambient,
    async (c, next) => {
      const credential = selectCredential(c)
      c.set("principal", await rateLimiting.failures.counting(c, credential, () => identify({}, c.req.raw)))
      await next()
    },
    count,
  ]
}

/** Refuses operators who may not operate, or who may only see one tenant, because a plugin filters nothing. */
const requireOperate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { scopes, tenant } = c.get("operator")
  if (!scopes.includes("operate")) {
    throw new Problem({ code: "scope_missing", status: 403 }, "This path needs the scope operate.")
  }
  if (tenant !== null) {
    throw new Problem(
      { code: "tenant_restricted", status: 403 },
      "Your operator key is for one tenant. This path concerns others too.",
    )
  }
  await next()
}

function createUsersUnknown(): Problem {
  return new Problem(
    { code: "users_unknown", status: 403 },
    "This gateway accepts any API key, so it cannot know who you are. Configure validApiKeys or authenticate.",
  )
}
