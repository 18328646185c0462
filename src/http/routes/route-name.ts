import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../http-env.ts"

/** A method and a path below the prefix, such as `GET /notes/:id`: the name of a route of a plugin or a wire. */
export const routeName = /^(GET|POST|PUT|PATCH|DELETE) ((?:\/:?[\w.~-]+)+)$/

/**
 * Returns a function that returns true if one of the routes that the app has now serves the method and path. The path
 * includes the prefix.
 */
export function createTakenCheck(app: OpenAPIHono<HttpEnv>): (method: string, path: string) => boolean {
  const own = app.routes.map((route) => ({ method: route.method, pattern: createPattern(route.path) }))
  return (method, path) => {
    const sample = path.replaceAll(":", "")
    return own.some((route) => route.method === method && route.pattern.test(sample))
  }
}

/** Returns a pattern that matches the same paths as a route. */
function createPattern(path: string): RegExp {
  const source = path.replace(/\.|:\w+(?:\{(.+)\})?/g, (part, parameter: string | undefined) => {
    return part === "." ? "\\." : (parameter ?? "[^/]+")
  })
  return new RegExp(`^${source}$`)
}
