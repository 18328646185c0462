import type { JsonObject } from "../core/json/json.ts"
import type { PluginRoutes } from "./routes/plugin-routes.ts"
import { problemResponses } from "./schemas/problem.ts"

/** Returns the paths of plugins' described routes for the OpenAPI document. */
export function describePluginPaths(
  routes: PluginRoutes,
  prefix: string,
): Readonly<Record<string, JsonObject>> {
  const paths: Record<string, JsonObject> = {}
  for (const [route, handlers] of routes) {
    const [method = "", path = ""] = route.split(" ")
    // Agents may describe a route in different ways. The first description is used.
    const described = [...handlers.values()].find((each) => typeof each === "object")
    if (described === undefined) continue
    const name = prefix + path.replaceAll(/:(\w+)/g, "{$1}")
    paths[name] = { ...paths[name], [method.toLowerCase()]: completeOperation(described.operation) }
  }
  return paths
}

/** Adds the token, and the problems that every route can return. */
function completeOperation({ responses, ...operation }: JsonObject): JsonObject {
  const own = typeof responses === "object" && !Array.isArray(responses) ? responses : {}
  const problems = problemResponses(401, 404, 422, 429, 500, 503)
  return { ...operation, security: [{ sessionToken: [] }], responses: { ...problems, ...own } }
}
