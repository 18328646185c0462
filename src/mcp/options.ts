import { z } from "zod"
import { declareOptions } from "../options/declare-options.ts"
import { anObject, milliseconds, texts } from "../options/schemas.ts"
import type { McpServerDefinitions } from "./config/definition.ts"

/** One agent's MCP servers, whose tools every run of the gateway's own loop has. */
export interface McpOptions {
  /** By name. They win over those of the same name in a file. */
  readonly mcpServers?: McpServerDefinitions
  /**
   * A file in the form of `~/.claude.json` or `.mcp.json`, with `${NAME}` and `${NAME:-default}` expanded from the
   * environment. Default: `MCP_CONFIG_PATH`; no file is read unasked.
   */
  readonly mcpConfigPath?: string
  /** Milliseconds for a call. Default 30 000. */
  readonly mcpDefaultToolTimeoutMs?: number
  /**
   * Milliseconds by tool: `TOOL`, or `SERVER__TOOL`, which wins. They win over all other time limits. Default: none.
   */
  readonly mcpTimeoutOverrides?: Readonly<Record<string, number>>
  /**
   * Servers whose tools receive the session's id as `_session_id`, which the model neither sees nor sets. Default:
   * none.
   */
  readonly mcpSessionInjectServers?: readonly string[]
  /**
   * Fields that are left out of the inputs of all MCP tools. The model does not see them, and a value that it gives for
   * one does not reach the server. Default none.
   */
  readonly mcpStripInputFields?: readonly string[]
}

/** Options of the server for the MCP servers of all its agents. */
export interface McpAuthorizationOptions {
  /**
   * The gateway's `PREFIX/mcp/oauth/callback` as browsers reach it, for servers that want OAuth 2.1. Default: such
   * servers are only reached with client credentials.
   */
  readonly mcpOAuthRedirectUrl?: string
}

/** `parseDefinitions` checks the servers. */
export const mcpOptions = declareOptions<McpOptions>()({
  mcpServers: anObject<McpServerDefinitions>().default({}),
  mcpConfigPath: z.string().min(1).optional(),
  mcpDefaultToolTimeoutMs: milliseconds.default(30_000),
  mcpTimeoutOverrides: z.record(z.string(), milliseconds).default({}),
  mcpSessionInjectServers: texts.default([]),
  mcpStripInputFields: texts.default([]),
})

export const mcpAuthorizationOptions = declareOptions<McpAuthorizationOptions>()({
  mcpOAuthRedirectUrl: z.url({ protocol: /^https?$/ }).optional(),
})
