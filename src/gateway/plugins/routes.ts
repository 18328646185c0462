import { ConfigurationError } from "../../core/errors.ts"
import type { AgentRoute, PluginRoutes } from "../../http/routes/plugin-routes.ts"
import type { OpenedPlugin } from "./open-plugins.ts"

/**
 * Returns the routes of an agent's plugins by method and path. Throws a `ConfigurationError` if two plugins declare
 * the same route.
 */
export function collectRoutes(plugins: readonly OpenedPlugin[]): ReadonlyMap<string, AgentRoute> {
  const routes = new Map<string, AgentRoute>()
  for (const { name: plugin, parts } of plugins) {
    for (const [name, route] of Object.entries(parts.routes ?? {})) {
      if (routes.has(name)) {
        throw new ConfigurationError(
          `The plugin ${plugin} has the route ${name}, which another plugin of the agent has.`,
        )
      }
      routes.set(name, { plugin, route: typeof route === "function" ? { handle: route } : route })
    }
  }
  return routes
}

/** Joins the routes of all agents. */
export function joinRoutes(
  agents: readonly { readonly name: string; readonly routes: ReadonlyMap<string, AgentRoute> }[],
): PluginRoutes {
  const joined = new Map<string, Map<string, AgentRoute>>()
  for (const { name, routes } of agents) {
    for (const [route, of] of routes) {
      const byAgent = joined.get(route) ?? new Map<string, AgentRoute>()
      joined.set(route, byAgent.set(name, of))
    }
  }
  return joined
}
