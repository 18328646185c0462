import { ConfigurationError } from "../../../core/errors.ts"
import { cleanName, fitName } from "./model-name.ts"

/** Maximum characters of a server's name in the names of its tools. It leaves at least 30 characters for the tool. */
const longestPart = 32

/** Maps each server's name to the prefix, in lower case, of its tools' names. */
export type Namespaces = ReadonlyMap<string, string>

/** Returns the prefix of a server's tools if they are named after the server: `SERVER__`. */
export function toNamespace(server: string): string {
  return `${fitName(cleanName(server), server, longestPart)}__`
}

/**
 * Returns the namespaces of all configured servers. Throws a `ConfigurationError` if one is inside another: `a__b__c`
 * could be the tool `b__c` of server `a` or the tool `c` of server `a__b`.
 */
export function createNamespaces(servers: readonly string[]): Namespaces {
  const namespaces = new Map(servers.map((server) => [server, toNamespace(server).toLowerCase()]))
  for (const [server, namespace] of namespaces) {
    const other = findForeignServer(namespace, server, namespaces)
    if (other === null) continue
    const [one, two] = [other, server].map((name) => JSON.stringify(name))
    throw new ConfigurationError(
      `The names of the MCP servers ${one} and ${two} are too similar: tools of both could be ` +
        `named ${toNamespace(server)}…. Rename one of the servers.`,
    )
  }
  return namespaces
}

/**
 * Returns the other server whose namespace contains the name. Ignores case, because people would confuse the names.
 */
export function findForeignServer(name: string, server: string, namespaces: Namespaces): string | null {
  const lower = name.toLowerCase()
  for (const [other, namespace] of namespaces) {
    if (other !== server && lower.startsWith(namespace)) return other
  }
  return null
}
