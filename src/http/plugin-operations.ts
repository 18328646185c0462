import { isJsonObject, type Json, type JsonObject } from "../core/json/json.ts"
import { describeSecurity } from "./auth/access.ts"
import type { Access } from "./routes/plugin-access.ts"
import type { PluginRoutes } from "./routes/plugin-routes.ts"
import { describeProblemResponses } from "./schemas/problem.ts"
import { ofToken, ofUser } from "./schemas/refusals.ts"

/** Returns the paths of plugins' described routes for the OpenAPI document. */
export function describePluginPaths(
  routes: PluginRoutes,
  prefix: string,
): Readonly<Record<string, JsonObject>> {
  const paths: Record<string, JsonObject> = {}
  for (const [route, handlers] of routes) {
    const [method = "", path = ""] = route.split(" ")
    // Agents may describe a route in different ways. The first description is used.
    const described = [...handlers.values()].find(({ route: { operation } }) => operation !== undefined)
    if (described?.route.operation === undefined) continue
    const { access = "session", operation } = described.route
    const name = prefix + path.replaceAll(/:(\w+)/g, "{$1}")
    paths[name] = { ...paths[name], [method.toLowerCase()]: completeOperation(operation, access) }
  }
  return paths
}

/** Adds the credentials, and the problems that every route can return, to the plugin's own problems. */
function completeOperation({ responses, ...operation }: JsonObject, access: Access): JsonObject {
  const problems: Readonly<Record<string, Json>> = describeProblemResponses(
    ...problemsOf[access],
    "404 not_found",
    "422 invalid_body",
  )
  const own = isJsonObject(responses) ? responses : {}
  const completed = Object.entries(own).map(([status, response]) => {
    return [status, joinDescriptions(response, problems[status])] as const
  })
  const all = { ...problems, ...Object.fromEntries(completed) }
  return { ...operation, security: securityOf(access), responses: all }
}

function securityOf(access: Access): Json {
  return access === "session" || access === "user" ? describeSecurity(access) : []
}

const problemsOf = {
  session: ofToken,
  user: ofUser,
  operator: ["401 invalid_credentials", "429 rate_limited", "500 internal_error"],
  public: ["401 invalid_credentials", "429 rate_limited", "500 internal_error"],
} as const

function joinDescriptions(own: Json, general: Json | undefined): Json {
  if (!isJsonObject(own) || !isJsonObject(general)) return own
  return { ...own, description: `${own.description} ${general.description}` }
}
