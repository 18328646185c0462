import type { WireRoutes } from "./wire-routes.ts"

/** The paths of the protocols that have a part of the address space for themselves. */
export interface WirePaths {
  /** Returns the protocol that a path belongs to, below the prefix. Null if there is none. */
  find(path: string): WireRoutes | null
  /** Returns the path below the prefix for a path at the root that is an alias of it, and other paths as they are. */
  resolveAlias(path: string): string
}

/** `prefix` is empty, or begins with a slash. */
export function createWirePaths(wires: readonly WireRoutes[], prefix: string): WirePaths {
  const withPath = wires.flatMap((wire) => (wire.path === undefined ? [] : [{ wire, path: wire.path }]))
  const aliases = withPath.flatMap(({ wire, path }) => (wire.hasRootAlias === true ? [path] : []))
  return {
    find(path) {
      if (!path.startsWith(prefix)) return null
      const own = path.slice(prefix.length).replace(/^\/agents\/[^/]+(?=\/)/, "")
      return withPath.find((each) => isBelow(own, each.path))?.wire ?? null
    },
    resolveAlias: (path) => (aliases.some((alias) => isBelow(path, alias)) ? `${prefix}${path}` : path),
  }
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`)
}
