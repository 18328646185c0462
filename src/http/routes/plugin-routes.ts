import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { ConfigurationError } from "../../core/errors.ts"
import type { Json } from "../../core/json/json.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { PluginRoute, PublicRoute, RouteRequest } from "../../core/ports/plugin-route.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Caller } from "../auth/caller.ts"
import { toPrincipalOfPlugin } from "../auth/principal.ts"
import type { HttpEnv } from "../http-env.ts"
import { computeNetwork } from "../limits/network.ts"
import { createKeyedPlaces, type Places } from "../limits/places.ts"
import type { RateLimiting } from "../limits/rate-limits.ts"
import { createUnauthorized, Problem } from "../problem.ts"
import type { ClientAddress } from "../request/client-address.ts"
import { printable } from "../schemas/parts/printable.ts"
import type { ServedAgents } from "../served-agents.ts"
import type { Access } from "./plugin-access.ts"
import { respondWith } from "./plugin-response.ts"
import { createTakenCheck, routeName } from "./route-name.ts"

/** A route of an agent, and the plugin that has it. */
export interface AgentRoute {
  readonly plugin: string
  readonly route: Exclude<PluginRoute, (...args: never) => unknown>
}

/** The routes by agent, by method and path such as `GET /notes/:id`. */
export type PluginRoutes = ReadonlyMap<string, ReadonlyMap<string, AgentRoute>>

export interface PluginRoutesOptions {
  /** The gateway's prefix: empty, or with a leading slash. */
  readonly prefix: string
  readonly routes: PluginRoutes
  readonly agents: ServedAgents
  /** Maximum milliseconds of a handler. */
  readonly callbackTimeoutMs: number
  /** Maximum bytes of a body that a route receives as it was sent. */
  readonly maxRawBytes: number
  /** Middleware that admits requests. */
  readonly admit: Readonly<Record<Access, MiddlewareHandler<HttpEnv>[]>>
  /** Returns the middleware that reads the body. `rawBytes` is undefined for JSON. */
  readonly readBody: (access: Access, rawBytes: number | undefined) => MiddlewareHandler<HttpEnv>[]
  readonly failures: RateLimiting["failures"]
  readonly clientAddress: ClientAddress
  readonly logger: Logger
}

/** Name of the parameter for the agent, which no parameter of a plugin can have. */
const agentParameter = "gateway@agent"
/** Maximum requests and streams of one network that are open at once, on all public routes together. */
const openPerNetwork = 100

/**
 * Adds the routes of plugins. Must be called after the gateway's own routes were added. Throws a `ConfigurationError`
 * if a route is malformed, if agents declare it differently, or if the gateway has the same route.
 */
export function addPluginRoutes(app: OpenAPIHono<HttpEnv>, options: PluginRoutesOptions): void {
  const { prefix, routes, admit, readBody } = options
  const isTaken = createTakenCheck(app)
  const places = createKeyedPlaces({
    max: openPerNetwork,
    code: "rate_limited",
    message: "Too many requests of this network are open. Retry after the delay in the retry-after header.",
  })
  for (const [name, handlers] of routes) {
    const [, method, path] = routeName.exec(name) ?? []
    if (method === undefined || path === undefined) {
      throw new ConfigurationError(
        `The plugin route ${JSON.stringify(name)} is not a method and a path, such as "GET /notes/:id".`,
      )
    }
    const { access, rawBytes } = requireOneForm(name, handlers, options)
    for (const each of [path, `/agents/:${agentParameter}${path}`]) {
      if (isTaken(method, `${prefix}${each}`)) {
        throw new ConfigurationError(`The gateway itself has the plugin route ${name}. Choose another path.`)
      }
      const body = method === "GET" ? [] : readBody(access, rawBytes)
      for (const middleware of [...admit[access], ...body]) app.on(method, each, middleware)
      app.on(method, each, (c) => handle(c, name, { ...options, handlers, places, access }))
    }
  }
}

/** Returns the access and the kind of body of a route, which all agents must have in common. */
function requireOneForm(
  name: string,
  handlers: ReadonlyMap<string, AgentRoute>,
  { maxRawBytes }: Pick<PluginRoutesOptions, "maxRawBytes">,
): { readonly access: Access; readonly rawBytes: number | undefined } {
  const forms = [...handlers.values()].map(({ route: { access = "session", rawBytes } }) => ({
    access,
    rawBytes,
  }))
  const [first = { access: "session" as const, rawBytes: undefined }] = forms
  const { rawBytes } = first
  if (forms.some((form) => form.access !== first.access || form.rawBytes !== rawBytes)) {
    throw new ConfigurationError(
      `The plugin route ${name} of two agents has another \`access\` or \`rawBytes\`. Choose another path for one ` +
        "of them.",
    )
  }
  if (
    rawBytes !== undefined &&
    !(Number.isSafeInteger(rawBytes) && rawBytes > 0 && rawBytes <= maxRawBytes)
  ) {
    throw new ConfigurationError(
      `The plugin route ${name}: rawBytes must be a whole number from 1 to ${maxRawBytes}, which is ` +
        "limits.chatBodyBytes.",
    )
  }
  return first
}

interface Handling extends PluginRoutesOptions {
  readonly handlers: ReadonlyMap<string, AgentRoute>
  readonly places: Places
  readonly access: Access
}

async function handle(c: Context<HttpEnv>, name: string, options: Handling): Promise<Response> {
  const { agents, handlers, access, places, clientAddress, callbackTimeoutMs: timeoutMs, logger } = options
  const { [agentParameter]: named, ...params } = c.req.param()
  const caller: Pick<Caller, "agent"> | undefined = c.get("caller")
  // A token belongs to one agent.
  const agent = caller?.agent ?? named ?? agents.defaultName
  const found = handlers.get(agent)
  if (found === undefined || (named !== undefined && named !== agent))
    throw new Problem({ code: "not_found", status: 404 }, "No such path.")
  const { plugin, route } = found
  const onEnd = access === "public" ? places.take(computeNetwork(clientAddress(c) ?? "")) : () => {}
  return respondWith(c, { route: name, timeoutMs, logger, onEnd }, async (signal) => {
    const request: RouteRequest = {
      request: c.req.raw,
      params,
      ...(await readBodyOf(c, route.rawBytes)),
      signal,
    }
    switch (route.access) {
      case undefined:
      case "session":
        return route.handle({ ...request, session: c.get("session") })
      case "user": {
        const { principal, session } = c.get("caller")
        return route.handle({ ...request, principal, agent, session })
      }
      case "operator":
        return route.handle(request)
      case "public": {
        const principal = await identify(c, { plugin, route, request, name }, options)
        return route.handle({ ...request, principal })
      }
      default:
        return route satisfies never
    }
  })
}

async function readBodyOf(
  c: Context<HttpEnv>,
  rawBytes: number | undefined,
): Promise<Pick<RouteRequest, "body" | "bytes">> {
  const bytes = c.get("bodyBytes")
  if (rawBytes !== undefined) return { body: null, bytes: bytes ?? new Uint8Array() }
  const body: Json = bytes === undefined ? null : await c.req.json()
  return { body, bytes: new Uint8Array() }
}

const userId = printable(256)
const tenant = printable(250).optional()

/** Lets the plugin verify the request. Resolves to its principal. Null if the route does not identify requests. */
async function identify(
  c: Context<HttpEnv>,
  {
    plugin,
    route,
    request,
    name,
  }: {
    readonly plugin: string
    readonly route: PublicRoute
    readonly request: RouteRequest
    readonly name: string
  },
  { failures }: Pick<PluginRoutesOptions, "failures">,
): Promise<Principal | null> {
  if (route.identify === undefined) return null
  return failures.counting(c, name, async () => {
    const user = await route.identify?.(request)
    if (user == null) throw createUnauthorized("invalid_credentials", "The request could not be verified.")
    return toPrincipalOfPlugin(plugin, {
      userId: userId.parse(user.userId),
      tenant: tenant.parse(user.tenant),
    })
  })
}
