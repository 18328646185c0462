import type { JsonObject } from "../json/json.ts"
import type { Tool } from "../ports/tools/tool.ts"

/**
 * The origin of an MCP tool. A name alone does not identify a tool: a new or changed server can list a tool under a
 * name that a person has allowed for another tool.
 */
export interface ToolOrigin {
  /** The server's name in the configuration. It is the only part that people see. */
  readonly server: string
  /** The tool's name as the server lists it. The model may know the tool by another name. */
  readonly tool: string
  /** SHA-256 of the server's address: its command, arguments and working directory, or its URL. */
  readonly identity: string
  /**
   * SHA-256 of the tool as the server listed it, in canonical JSON (RFC 8785). It does not cover the description of a
   * tool of a trusted server.
   */
  readonly digest: string
}

/** Returns the origin of a call. Null for a local tool. */
export function resolveOrigin({ origin }: Tool, input: JsonObject): ToolOrigin | null {
  return (typeof origin === "function" ? origin(input) : origin) ?? null
}

/** Returns true if both are the same tool of the same server, or both are local. */
export function isSameOrigin(left: ToolOrigin | null, right: ToolOrigin | null): boolean {
  if (left === null || right === null) return left === right
  return isSameServer(left, right) && left.tool === right.tool && left.digest === right.digest
}

export function isSameServer(left: ToolOrigin, right: ToolOrigin): boolean {
  return left.server === right.server && left.identity === right.identity
}
