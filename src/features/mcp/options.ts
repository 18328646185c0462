import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { createObjectSchema, milliseconds, texts } from "../../platform/options/schemas.ts"
import type { McpServerDefinitions } from "./config/definition.ts"

/** One agent's MCP servers, whose tools every run of the gateway's own loop has. */
export interface McpOptions {
  /** Servers by name. They override servers of the same name in a file. */
  readonly mcpServers?: McpServerDefinitions
  /**
   * A file in the form of `~/.claude.json` or `.mcp.json`, with `${NAME}` and `${NAME:-default}` expanded from the
   * environment. Default: `MCP_CONFIG_PATH`. If neither is set, no file is read.
   */
  readonly mcpConfigPath?: string
  /** Maximum milliseconds of a call. Default 30 000. */
  readonly mcpDefaultToolTimeoutMs?: number
  /** Names of the only servers to start, of those in `mcpServers` and in the file. Default: all. */
  readonly mcpAllowedServers?: readonly string[]
  /**
   * Maximum milliseconds of a call: by `SERVER__TOOL`, by `TOOL`, or by `SERVER`, in this order of precedence. They
   * override all other time limits. At least 1 000. Default: none.
   */
  readonly mcpTimeoutOverrides?: Readonly<Record<string, number>>
  /**
   * Servers whose tools receive the session's id as `_session_id`. The field is hidden from the model. Default: none.
   */
  readonly mcpSessionInjectServers?: readonly string[]
  /**
   * Fields that are removed from the inputs of all MCP tools. The model does not see them, and a value that it sends
   * for one does not reach the server. Default: none.
   */
  readonly mcpStripInputFields?: readonly string[]
}

/** Options of the gateway for the MCP servers of all its agents. */
export interface McpAuthorizationOptions {
  /**
   * The gateway's `PREFIX/mcp/oauth/callback` as browsers reach it, for servers that use OAuth 2.1. Default: that path
   * below `publicUrl`. Without either, the gateway can only use client credentials.
   */
  readonly mcpOAuthRedirectUrl?: string
}

/** The Python package 0.5.3 has seconds under this name, which would be limits of a few milliseconds here. */
const overrideMs = milliseconds.refine(
  (value) => value >= 1_000,
  "must be at least 1000, because the unit is a millisecond. Set timeoutMs of the server for a shorter limit",
)

/** The schemas. `parseDefinitions` checks the servers. */
export const mcpOptions = declareOptions<McpOptions>()({
  mcpServers: createObjectSchema<McpServerDefinitions>().default({}),
  mcpConfigPath: z.string().min(1).optional(),
  mcpAllowedServers: texts.optional(),
  mcpDefaultToolTimeoutMs: milliseconds.default(30_000),
  mcpTimeoutOverrides: z.record(z.string(), overrideMs).default({}),
  mcpSessionInjectServers: texts.default([]),
  mcpStripInputFields: texts.default([]),
})

export const mcpAuthorizationOptions = declareOptions<McpAuthorizationOptions>()({
  mcpOAuthRedirectUrl: z.url({ protocol: /^https?$/ }).optional(),
})
