import type { ToolSource } from "../../core/ports/plugin.ts"

/**
 * Returns the keys of `mcpTimeoutOverrides` that name no server, no `TOOL` and no `SERVER__TOOL`. Returns none while a
 * server has not listed its tools, because a key may name one of them.
 */
export function findUnknownOverrides(
  keys: readonly string[],
  sources: readonly ToolSource[],
): readonly string[] {
  if (sources.some(({ state }) => state !== "ready")) return []
  const known = new Set(
    sources.flatMap(({ name: server, tools }) => [
      server,
      ...tools.flatMap(({ name }) => [name, `${server}__${name}`]),
    ]),
  )
  return keys.filter((key) => !known.has(key))
}
