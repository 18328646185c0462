import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { TypedResponse } from "hono"
import type { JSONValue } from "hono/utils/types"
import { credentials } from "./auth/access.ts"
import type { HttpEnv } from "./http-env.ts"
import { describePluginPaths } from "./plugin-operations.ts"
import { respondText } from "./respond.ts"
import type { PluginRoutes } from "./routes/plugin-routes.ts"
import { describeJson } from "./schemas/describe-json.ts"
import { describeProblems } from "./schemas/problem.ts"
import type { OperationTag } from "./wire-routes.ts"

const bearer = { type: "http", scheme: "bearer" } as const
const jwt = { ...bearer, bearerFormat: "JWT" } as const
const anyHeader = { type: "apiKey", in: "header", name: "Authorization" } as const

export interface OpenApiOptions {
  /** The package's version. */
  readonly version: string
  /** The gateway's prefix: empty, or with a leading slash. */
  readonly prefix: string
  readonly publicUrl: string | undefined
  readonly pluginRoutes: PluginRoutes
  /** Tags of the operations of the wires. */
  readonly tags: readonly OperationTag[]
}

/** Adds GET /openapi.json, which describes all routes added so far, itself, and the described routes of plugins. */
export function addOpenApiRoute(app: OpenAPIHono<HttpEnv>, options: OpenApiOptions): void {
  for (const [name, { description }] of Object.entries(credentials)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, {
      ...(name.endsWith("Token") ? jwt : name === "apiKey" ? bearer : anyHeader),
      description,
    })
  }
  const route = createRoute({
    method: "get",
    path: "/openapi.json",
    operationId: "openapi",
    summary: "This document",
    tags: ["status"],
    security: [],
    responses: {
      200: describeJson("OpenAPI 3.1.", z.record(z.string(), z.unknown())),
      ...describeProblems("500 internal_error"),
    },
  })
  // The document is kept as text, because generating it takes several milliseconds.
  let document: string | null = null
  app.openapi(route, (c) => {
    document ??= JSON.stringify(createDocument(app, options))
    const response = respondText(c, document, 200, { "content-type": "application/json" })
    return response as Response & TypedResponse<Record<string, JSONValue>, 200, "json">
  })
}

function createDocument(
  app: OpenAPIHono<HttpEnv>,
  { version, prefix, publicUrl = "/", pluginRoutes, tags: wireTags }: OpenApiOptions,
): Record<string, unknown> {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "AI agent gateway",
      version,
      description: "A durable chat server for agents.",
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
    },
    servers: [{ url: publicUrl }],
    tags: [
      ...wireTags,
      { name: "memory", description: "Memories of the user. Only with the option `memory`." },
      { name: "schedules", description: "Schedules of the user. Only with the option `allowSchedules`." },
      {
        name: "mcp",
        description: "Authorization of MCP servers. Only with the option `publicUrl`.",
      },
      { name: "operate", description: "Operations for operators. Only with `operatorKeys`." },
      { name: "status", description: "State and description of the gateway, for its operators." },
    ],
  })
  return { ...document, paths: { ...document.paths, ...describePluginPaths(pluginRoutes, prefix) } }
}
