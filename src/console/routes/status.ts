import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Json } from "../../core/json/json.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import type { Readiness } from "../../http/readiness.ts"

/** Facts about the gateway that the page shows first. */
export interface ConsoleInfo {
  readonly version: string
  /** Prefix of the HTTP API. */
  readonly prefix: string
  readonly mode: string
  /** The agents. The first one is the default. */
  readonly agents: readonly ConsoleAgent[]
}

export interface ConsoleAgent {
  readonly name: string
  /** Models that a message may request. Null for any. */
  readonly allowedModels: readonly string[] | null
  /** If true, the offline demo responds in place of a model. */
  readonly isDemo: boolean
  /** `own`: the agent has memories of its own. `shared`: agents share them. */
  readonly memory: "off" | "shared" | "own"
  /** If true, the agent has the option `schedules` or `allowSchedules`. */
  readonly firesSchedules: boolean
}

export interface StatusRoutesOptions {
  readonly prefix: string
  readonly info: ConsoleInfo
  /** Returns the readiness for an operator, with reasons and links. */
  readonly readiness: () => Promise<Readiness>
  /** Returns the options in force, with secrets masked. */
  readonly configuration: () => Json
}

/** GET info, GET status and GET configuration describe the gateway itself. */
export function addStatusRoutes(root: OpenAPIHono<HttpEnv>, options: StatusRoutesOptions): void {
  const { prefix, info, readiness, configuration } = options
  root.get(`${prefix}/info`, (c) => c.json(info))
  root.get(`${prefix}/status`, async (c) => c.json(await readiness()))
  root.get(`${prefix}/configuration`, (c) => c.json(configuration()))
}
