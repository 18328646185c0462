import { fileURLToPath } from "node:url"
import type { McpServerDefinition, McpServerOptions } from "../../../src/features/mcp/config/definition.ts"

/** Returns the definition of an installed program. It is started without `npx`, which would contact a registry. */
export function installedServer(
  name: string,
  args: readonly string[] = [],
): { command: string; args: string[] } {
  return {
    command: fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url)),
    args: [...args],
  }
}

/** Returns the definition of a server that dies on request. See the fixture. */
export function fragileServer(
  env: Readonly<Record<string, string>>,
  options: McpServerOptions = {},
): McpServerDefinition {
  const file = fileURLToPath(new URL("../fixtures/fragile-server.mjs", import.meta.url))
  return { ...options, command: process.execPath, args: [file], env }
}
