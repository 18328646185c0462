import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { ConfigurationError, toError } from "../../../core/errors.ts"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { McpServerDefinitions } from "./definition.ts"
import { type Environment, expandVariables } from "./expand-variables.ts"
import { parseDefinitions } from "./parse-definitions.ts"

export interface ConfigFileOptions {
  /** Path of the file, relative to `cwd`. `~/` is the home directory in the environment's `HOME`. */
  readonly path: string
  /** Folder whose section of `projects` is also read. */
  readonly cwd: string
  readonly environment: Environment
  /** Returns false for servers that are left out. Default: all are read. */
  readonly isAllowed?: (name: string) => boolean
}

/**
 * Reads the servers of a file in the form of `~/.claude.json` or `.mcp.json`: `mcpServers`, and those of the section
 * `projects[cwd]`, which take precedence. Skips servers with `"disabled": true`, and servers that the section's
 * `disabledMcpServers` or `disabledMcpjsonServers` name. Throws a `ConfigurationError` if the file cannot be read.
 */
export async function readConfigFile(options: ConfigFileOptions): Promise<McpServerDefinitions> {
  const { cwd, environment, isAllowed = () => true } = options
  const path = resolve(cwd, options.path.replace(/^~(?=\/|$)/, environment.HOME ?? "~"))
  const file = await readJson(path)
  const project = readObject(readObject(file, "projects"), resolve(cwd))
  const disabled = [
    ...readNames(project, "disabledMcpServers"),
    ...readNames(project, "disabledMcpjsonServers"),
  ]
  const servers = Object.entries({ ...readObject(file, "mcpServers"), ...readObject(project, "mcpServers") })
  const enabled = servers.filter(
    ([name, server]) =>
      isAllowed(name) && !disabled.includes(name) && !(isJsonObject(server) && server.disabled === true),
  )
  const renamed = enabled.map(([name, server]) => [name, renamePrefix(server)] as const)
  return parseDefinitions(expandVariables(Object.fromEntries(renamed), environment, path), {
    name: path,
    unknownKeys: "ignored",
  })
}

/** Returns the server with `toolPrefix` in place of the `tool_prefix` of files for the Python package. */
function renamePrefix(server: Json | undefined): Json | undefined {
  if (!isJsonObject(server) || typeof server.tool_prefix !== "string") return server
  const toolPrefix = server.tool_prefix.trim()
  return toolPrefix === "" ? server : { toolPrefix, ...server }
}

async function readJson(path: string): Promise<JsonObject> {
  try {
    const file: unknown = JSON.parse(await readFile(path, "utf8"))
    if (isJsonObject(file)) return file
  } catch (thrown) {
    const problem = toError(thrown)
    // A parser's message quotes the file, which may contain keys.
    const reason = problem instanceof SyntaxError ? "it is not JSON" : problem.message
    throw new ConfigurationError(`The MCP configuration ${path} cannot be read: ${reason}.`, {
      cause: thrown,
    })
  }
  throw new ConfigurationError(`The MCP configuration ${path} is not a JSON object.`)
}

function readObject(parent: JsonObject, key: string): JsonObject {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined
  return isJsonObject(value) ? value : {}
}

function readNames(parent: JsonObject, key: string): readonly unknown[] {
  const value = parent[key]
  return Array.isArray(value) ? value : []
}
