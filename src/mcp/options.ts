import { z } from "zod"
import { longestTimerMs } from "../core/time/longest-timer.ts"
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
  /** Milliseconds by tool: `TOOL`, or `SERVER__TOOL`, which wins. They win over all other time limits. */
  readonly mcpTimeoutOverrides?: Readonly<Record<string, number>>
  /** Servers whose tools receive the session's id as `_session_id`, which the model neither sees nor sets. */
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

const milliseconds = z.int().positive().max(longestTimerMs)

/** Checks of the options, one by one. `parseDefinitions` checks the servers. */
export const mcpSchemas = {
  mcpServers: z
    .custom<unknown>((value) => typeof value === "object" && value !== null, "expected an object")
    .optional(),
  mcpConfigPath: z.string().min(1).optional(),
  mcpDefaultToolTimeoutMs: milliseconds.optional(),
  mcpTimeoutOverrides: z.record(z.string(), milliseconds).optional(),
  mcpSessionInjectServers: z.array(z.string().min(1)).optional(),
  mcpStripInputFields: z.array(z.string().min(1)).optional(),
} satisfies Record<keyof McpOptions, unknown>
