import type { OpenAPIHono } from "@hono/zod-openapi"
import type { ToolSource } from "../../core/ports/plugin.ts"
import type { HttpEnv } from "../../http/http-env.ts"

/** A place that an agent has tools from, such as an MCP server. */
export interface ConsoleToolSource extends ToolSource {
  readonly agent: string
}

export interface ToolSourceRoutesOptions {
  readonly prefix: string
  readonly toolSources: () => readonly ConsoleToolSource[]
}

/** GET tool-sources: the MCP servers of all agents with their tools. */
export function addToolSourceRoutes(
  root: OpenAPIHono<HttpEnv>,
  { prefix, toolSources }: ToolSourceRoutesOptions,
): void {
  root.get(`${prefix}/tool-sources`, (c) => c.json({ items: toolSources(), next: null }))
}
