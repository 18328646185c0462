import { isJsonObject, type Json, type JsonObject } from "../core/json/json.ts"
import type { PluginRoutes } from "./routes/plugin-routes.ts"
import { describeProblemResponses } from "./schemas/problem.ts"
import { ofToken } from "./schemas/refusals.ts"

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

/** Adds the token, and the problems that every route can return, to the plugin's own problems. */
function completeOperation({ responses, ...operation }: JsonObject): JsonObject {
  const problems: Readonly<Record<string, Json>> = describeProblemResponses(
    ...ofToken,
    "404 not_found",
    "422 invalid_body",
  )
  const own = isJsonObject(responses) ? responses : {}
  const completed = Object.entries(own).map(([status, response]) => {
    return [status, joinDescriptions(response, problems[status])] as const
  })
  const all = { ...problems, ...Object.fromEntries(completed) }
  return { ...operation, security: [{ sessionToken: [] }], responses: all }
}

function joinDescriptions(own: Json, general: Json | undefined): Json {
  if (!isJsonObject(own) || !isJsonObject(general)) return own
  return { ...own, description: `${own.description} ${general.description}` }
}
