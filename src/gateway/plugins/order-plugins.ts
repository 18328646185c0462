import { ConfigurationError } from "../../core/errors.ts"
import type { Plugin } from "../../core/ports/plugin.ts"

/**
 * Sorts plugins so that each one comes after those that its `after` names. Otherwise they keep their order. Names of
 * `builtInNames` may be absent from the list. Throws a `ConfigurationError` for an unknown name, and for plugins that
 * wait for each other.
 */
export function orderPlugins(plugins: readonly Plugin[], builtInNames: readonly string[]): readonly Plugin[] {
  const known = new Set([...builtInNames, ...plugins.map(({ name }) => name)])
  for (const { name, after } of plugins) {
    const unknown = listNames(after).find((each) => !known.has(each))
    if (unknown === undefined) continue
    throw new ConfigurationError(
      `plugins: ${name} is to open after ${JSON.stringify(unknown)}, but no plugin has that name. ` +
        `The agent has ${[...known].toSorted().join(", ")}.`,
    )
  }
  const isBefore = createComparison(plugins)
  const ordered: Plugin[] = []
  let left = plugins
  while (left.length > 0) {
    const next = left.find((plugin) => left.every((other) => !isBefore(other, plugin)))
    if (next === undefined) throw createCycleError(left)
    ordered.push(next)
    left = left.filter((plugin) => plugin !== next)
  }
  return ordered
}

function listNames(after: Plugin["after"]): readonly string[] {
  return after === undefined || after === "all" ? [] : after
}

/** Returns a function that returns true if the second plugin has to wait for the first. */
function createComparison(plugins: readonly Plugin[]): (first: Plugin, second: Plugin) => boolean {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  /** Returns true if the plugin waits for the other, itself or through the plugins that it names. */
  const follows = (plugin: Plugin, other: Plugin, seen = new Set<Plugin>()): boolean => {
    if (seen.has(plugin)) return false
    seen.add(plugin)
    return listNames(plugin.after).some((name) => {
      const named = byName.get(name)
      return named !== undefined && (named === other || follows(named, other, seen))
    })
  }
  return (first, second) => {
    if (listNames(second.after).includes(first.name)) return true
    // A plugin that comes after all others does not wait for those that wait for it.
    return second.after === "all" && first.after !== "all" && !follows(first, second)
  }
}

/** Creates the error for plugins of which each waits for another one. */
function createCycleError(plugins: readonly Plugin[]): ConfigurationError {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  const path: string[] = []
  let name = plugins[0]?.name ?? ""
  while (!path.includes(name)) {
    path.push(name)
    name = listNames(byName.get(name)?.after).find((each) => byName.has(each)) ?? name
  }
  const cycle = [...path.slice(path.indexOf(name)), name]
  return new ConfigurationError(
    `plugins: ${cycle.join(" is to open after ")}. Remove one of these names from \`after\`.`,
  )
}
