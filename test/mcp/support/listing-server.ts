import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { McpServerDefinition, McpServerOptions } from "../../../src/features/mcp/config/definition.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"

export interface ListingServer {
  /** Returns the definition for a gateway. `name` is an argument of the server's command. */
  definition(options?: McpServerOptions): McpServerDefinition
  /** Changes the list of tools, also while the server runs. */
  list(...tools: readonly object[]): void
  /** Returns the names of the called tools in order. */
  calls(): readonly string[]
  /** Returns the inputs of the calls. */
  inputs(): readonly unknown[]
}

/** Creates a server whose list of tools the test changes. See the fixture. */
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
    inputs: () =>
      existsSync(`${journal}.inputs`)
        ? readFileSync(`${journal}.inputs`, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line))
        : [],
    calls: () => (existsSync(journal) ? readFileSync(journal, "utf8").trim().split("\n") : []),
  }
}

/** Returns a tool as a server lists it. */
export function listed(name: string, more: object = {}): object {
  return { name, description: `Does ${name}.`, inputSchema: { type: "object", properties: {} }, ...more }
}
