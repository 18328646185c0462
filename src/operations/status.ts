import { z } from "zod"
import type { Json } from "../core/json/json.ts"
import type { ToolSource } from "../core/ports/plugin.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import { defineOperation } from "./operation.ts"
import { json, pageOf } from "./schemas.ts"

/** A place that an agent has tools from, such as an MCP server. */
export interface OperatedToolSource extends ToolSource {
  readonly agent: string
}

const none = z.strictObject({})

const agent = z.object({
  name: z.string(),
  /** Models that a message may request. Null for any. */
  allowedModels: z.array(z.string()).nullable(),
  /** If true, the offline demo responds in place of a model. */
  isDemo: z.boolean(),
  /** `own`: the agent has memories of its own. `shared`: agents share them. */
  memory: z.enum(["off", "shared", "own"]),
  /** If true, the agent has the option `schedules` or `allowSchedules`. */
  firesSchedules: z.boolean(),
})

const info = z.object({
  version: z.string(),
  /** Prefix of the HTTP API. */
  prefix: z.string(),
  mode: z.string(),
  /** The agents. The first one is the default. */
  agents: z.array(agent),
})

export type GatewayInfo = z.output<typeof info>

export const statusOperations = {
  "gateway.info": defineOperation({
    summary: "Show the version, the mode and the agents of the gateway",
    route: "GET /info",
    access: "any",
    tenant: "filter",
    input: none,
    output: info,
    run: async (parts) => parts.info(),
  }),
  "gateway.status": defineOperation({
    summary: "Show the state of the gateway's parts. Reasons and links need the scope `operate`",
    route: "GET /status",
    access: "read",
    tenant: "filter",
    input: none,
    output: z.object({
      ready: z.boolean(),
      checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
    }),
    async run(parts, _, { scopes, tenant }): Promise<Readiness> {
      return parts.readiness(scopes.includes("operate") && tenant === null)
    },
  }),
  "gateway.configuration": defineOperation({
    summary: "Show the options of the gateway and its agents, with secrets masked",
    route: "GET /configuration",
    access: "operate",
    tenant: "global",
    input: none,
    output: json,
    run: async (parts): Promise<Record<string, Json>> => ({ ...Object(parts.configuration()) }),
  }),
  "toolSources.list": defineOperation({
    summary:
      "List the MCP servers of all agents with their tools. Reasons and links need the scope `operate`",
    route: "GET /tool-sources",
    access: "read",
    tenant: "filter",
    input: none,
    output: pageOf(
      z.object({
        agent: z.string(),
        name: z.string(),
        transport: z.string(),
        state: z.string(),
        detail: z.string().nullable(),
        tools: z.array(z.object({ name: z.string(), description: z.string(), isEnabled: z.boolean() })),
      }),
    ),
    async run(parts, _, { scopes, tenant }) {
      const seesDetails = scopes.includes("operate") && tenant === null
      const items = parts.toolSources().map(({ tools, detail, ...facts }) => {
        return { ...facts, tools: [...tools], detail: seesDetails ? detail : null }
      })
      return { items, next: null }
    },
  }),
}
