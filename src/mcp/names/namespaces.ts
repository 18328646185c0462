import { ConfigurationError } from "../../core/errors.ts"
import { cleanName, fitName } from "./model-name.ts"

/** Characters of a server's name within those of its tools. It leaves the tools at least 30. */
const longestPart = 32

/** Maps each server's name to the text, in lower case, that the names of its tools start with. */
export type Namespaces = ReadonlyMap<string, string>

/** Returns what the names of a server's tools start with, where they are named after it: `SERVER__`. */
export function namespaceOf(server: string): string {
  return `${fitName(cleanName(server), server, longestPart)}__`
}

/**
 * Returns the namespaces of all servers that are configured. Throws a `ConfigurationError` if one lies within another:
 * `a__b__c` could be the tool `b__c` of server `a` or the tool `c` of server `a__b`.
 */
export function namespacesOf(servers: readonly string[]): Namespaces {
  const namespaces = new Map(servers.map((server) => [server, namespaceOf(server).toLowerCase()]))
  for (const [server, namespace] of namespaces) {
    const other = strangerOf(namespace, server, namespaces)
    if (other === null) continue
    const [one, two] = [other, server].map((name) => JSON.stringify(name))
    throw new ConfigurationError(
      `The names of the MCP servers ${one} and ${two} are too similar: tools of both could be ` +
        `named ${namespaceOf(server)}…. Rename one of the servers.`,
    )
  }
  return namespaces
}

/** Finds the other server whose namespace the name is in. Case does not count: people take one for the other. */
export function strangerOf(name: string, server: string, namespaces: Namespaces): string | null {
  const lower = name.toLowerCase()
  for (const [other, namespace] of namespaces) {
    if (other !== server && lower.startsWith(namespace)) return other
  }
  return null
}
