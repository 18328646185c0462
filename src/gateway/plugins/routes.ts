import { ConfigurationError } from "../../core/errors.ts"
import type { PluginRoute } from "../../core/ports/plugin.ts"
import type { PluginRoutes } from "../../http/routes/plugin-routes.ts"
import type { OpenedPlugin } from "./open-plugins.ts"

/**
 * Returns the handlers of an agent's plugins by method and path. Throws a `ConfigurationError` if two plugins declare
 * the same route.
 */
export function collectRoutes(plugins: readonly OpenedPlugin[]): ReadonlyMap<string, PluginRoute> {
  const routes = new Map<string, PluginRoute>()
  for (const { name, parts } of plugins) {
    for (const [route, handle] of Object.entries(parts.routes ?? {})) {
      if (routes.has(route)) {
        throw new ConfigurationError(
          `The plugin ${name} has the route ${route}, which another plugin of the agent has.`,
        )
      }
      routes.set(route, handle)
    }
  }
  return routes
}

/** Joins the routes of all agents. The agent of its session handles a request. */
export function joinRoutes(
  agents: readonly { readonly name: string; readonly routes: ReadonlyMap<string, PluginRoute> }[],
): PluginRoutes {
  const joined = new Map<string, Map<string, PluginRoute>>()
  for (const { name, routes } of agents) {
    for (const [route, handle] of routes) {
      const byAgent = joined.get(route) ?? new Map<string, PluginRoute>()
      joined.set(route, byAgent.set(name, handle))
    }
  }
  return joined
}
