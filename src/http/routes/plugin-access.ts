import type { Context, MiddlewareHandler } from "hono"
import type { PluginRoute } from "../../core/ports/plugin-route.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { createApiKeyCheck, minKeyLength } from "../auth/api-keys.ts"
import type { Identify } from "../auth/identify.ts"
import type { HttpEnv } from "../http-env.ts"
import { computeNetwork } from "../limits/network.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { createUnauthorized, Problem } from "../problem.ts"
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
  readonly operatorKey: string | undefined
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
    operator: [admitOperators(options)],
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

function admitOperators({ operatorKey, rateLimiting }: PluginAccessOptions): MiddlewareHandler<HttpEnv> {
  const hasKey = operatorKey !== undefined && operatorKey.length >= minKeyLength
  const isValid = hasKey ? createApiKeyCheck([operatorKey]) : () => false
  return async (c, next) => {
    const [, key = ""] = /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "") ?? []
    await rateLimiting.failures.counting(c, key, async () => {
      if (isValid(key)) return
      throw createUnauthorized(
        "invalid_credentials",
        hasKey
          ? "This path is for operators. Send the operator key as a Bearer token."
          : `This path is for operators, and the gateway has no operator key of at least ${minKeyLength} characters. ` +
              "Set AGENT_GATEWAY_OPERATOR_KEY.",
      )
    })
    await next()
  }
}

function createUsersUnknown(): Problem {
  return new Problem(
    { code: "users_unknown", status: 403 },
    "This gateway accepts any API key, so it cannot know who you are. Configure validApiKeys or authenticate.",
  )
}
