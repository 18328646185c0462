import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { ConfigurationError } from "../../core/errors.ts"
import type { Json } from "../../core/json/json.ts"
import type { PluginHandler, PluginRoute } from "../../core/ports/plugin.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"

/** Handlers by agent, by method and path such as `GET /notes/:id`. */
export type PluginRoutes = ReadonlyMap<string, ReadonlyMap<string, PluginRoute>>

export interface PluginRoutesOptions {
  /** The gateway's prefix: empty, or with a leading slash. */
  readonly prefix: string
  readonly routes: PluginRoutes
  /** Maximum milliseconds of a handler. */
  readonly callbackTimeoutMs: number
  /** Middleware for requests that only read. */
  readonly reading: readonly MiddlewareHandler<HttpEnv>[]
  /** Middleware for requests with a body, including the reader of the body. */
  readonly changing: readonly MiddlewareHandler<HttpEnv>[]
}

const routePattern = /^(GET|POST|PUT|PATCH|DELETE) ((?:\/:?[\w.~-]+)+)$/

/**
 * Adds the routes of plugins. Must be called after the gateway's own routes were added. Throws a `ConfigurationError`
 * if a route is malformed, or if the gateway has the same route.
 */
export function addPluginRoutes(app: OpenAPIHono<HttpEnv>, options: PluginRoutesOptions): void {
  const { prefix, routes, callbackTimeoutMs, reading, changing } = options
  const own = app.routes.map(({ method, path }) => ({ method, pattern: createPattern(path) }))
  for (const [name, handlers] of routes) {
    const [, method, path] = routePattern.exec(name) ?? []
    if (method === undefined || path === undefined) {
      throw new ConfigurationError(
        `The plugin route ${JSON.stringify(name)} is not a method and a path, such as "GET /notes/:id".`,
      )
    }
    const sample = `${prefix}${path}`.replaceAll(":", "")
    if (own.some((each) => each.method === method && each.pattern.test(sample))) {
      throw new ConfigurationError(`The gateway itself has the plugin route ${name}. Choose another path.`)
    }
    const before = method === "GET" ? reading : changing
    for (const middleware of before) app.on(method, path, middleware)
    app.on(method, path, (c) => {
      const route = handlers.get(c.get("session").agent)
      if (route === undefined) throw new Problem({ code: "not_found", status: 404 }, "No such path.")
      const handle = typeof route === "function" ? route : route.handle
      return respond(c, name, handle, callbackTimeoutMs)
    })
  }
}

/** Returns a pattern that matches the same paths as a route of the gateway. */
function createPattern(path: string): RegExp {
  const source = path.replace(/\.|:\w+(?:\{(.+)\})?/g, (part, parameter: string | undefined) => {
    return part === "." ? "\\." : (parameter ?? "[^/]+")
  })
  return new RegExp(`^${source}$`)
}

async function respond(
  c: Context<HttpEnv>,
  route: string,
  handle: PluginHandler,
  timeoutMs: number,
): Promise<Response> {
  const body: Json = c.get("bodyBytes") === undefined ? null : await c.req.json()
  const request = { session: c.get("session"), request: c.req.raw, params: c.req.param(), body }
  const bounds = { name: `The plugin route ${route}`, timeoutMs, signal: c.req.raw.signal }
  const response = await callBounded((signal) => handle({ ...request, signal }), bounds)
  if (!(response instanceof Response))
    throw new TypeError(`The plugin route ${route} did not return a Response.`)
  // This also sends the headers of the rate limit, which the context holds.
  return c.newResponse(response.body, response)
}
