import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { McpServerDefinition, McpServerOptions } from "../../../src/mcp/config/definition.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"

export interface ListingServer {
  /** Returns the definition with which a gateway starts it. `name` is an argument of its command. */
  definition(options?: McpServerOptions): McpServerDefinition
  /** Changes what it lists, also while it runs. */
  list(...tools: readonly object[]): void
  /** The names of the tools that were called, in order. */
  calls(): readonly string[]
}

/** A server whose list of tools a test changes; see the fixture. */
export async function listingServer(name: string, ...tools: readonly object[]): Promise<ListingServer> {
  const folder = await temporaryFolder()
  const [listing, journal] = [join(folder, "listing"), join(folder, "journal")]
  const file = fileURLToPath(new URL("../fixtures/listing-server.mjs", import.meta.url))
  const list = (...listed: readonly object[]) => writeFileSync(listing, JSON.stringify(listed))
  list(...tools)
  return {
    definition: (options = {}) => ({
      ...options,
      command: process.execPath,
      args: [file, name],
      env: { LISTING: listing, JOURNAL: journal },
    }),
    list,
    calls: () => (existsSync(journal) ? readFileSync(journal, "utf8").trim().split("\n") : []),
  }
}

/** A tool as a server lists it. */
export function listed(name: string, more: object = {}): object {
  return { name, description: `Does ${name}.`, inputSchema: { type: "object", properties: {} }, ...more }
}
